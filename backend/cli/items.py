"""Commands about items: their trail, its proof, the check of a proof, and S10 numbers."""

from __future__ import annotations

import re
import shlex
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from backend.cli.files import read_sealed, write_file
from backend.cli.output import (
    AsJson,
    DataFolder,
    SeveralItems,
    command_line,
    limit_recursion,
    say,
    show,
)
from backend.errors import BadRequest, NotFound, Unavailable, Unprocessable

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from backend.proof.bundle import Opening
    from backend.proof.check import Held
    from backend.queries.items import ItemAnswer

NODE_ADDRESS = re.compile(r"https?://[^\s/]+(/\S*)?")
ANOTHER_NODE = "Start it, or name another node of the chain with --rpc."
ITEM_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
ItemText = Annotated[
    str, typer.Argument(metavar="ITEM", help="A number, an item's hash (0x…), or a trail code.")
]
Newest = Annotated[
    bool, typer.Option("--newest", help="Of several items with this number, the newest.")
]


def register(app: typer.Typer) -> None:
    """Put the commands of this file into the program."""
    for command in (trail, label, prove, check, s10):
        app.command()(command)


def trail(
    item: ItemText, newest: Newest = False, as_json: AsJson = False, data: DataFolder = None
) -> None:
    """Show the custody trail of an item.

    Every record in its order, where the item is, and who answers for it now.
    """
    from backend.cli.installation import installation
    from backend.cli.trails import trail_json, trail_text
    from backend.queries import trails
    from backend.store.engine import begin

    with begin(installation(data).engine) as db:
        answer = trails.trail(db, find_item(db, item, newest), opened=True)
    show(trail_json(answer), trail_text(answer), as_json)


def label(
    item: ItemText, newest: Newest = False, as_json: AsJson = False, data: DataFolder = None
) -> None:
    """Print the address that the QR on an item's label opens: its recipient's page.

    Of items that this installation accepted. Who has the address can act on the item.
    """
    from backend.cli.installation import installation
    from backend.domain.commitments import trail_code_text
    from backend.queries import labels
    from backend.store.engine import begin

    house = installation(data)
    with begin(house.engine) as db:
        found = labels.label(db, find_item(db, item, newest))
    code = trail_code_text(found.trail_code)
    address = f"{house.settings.origin}/T/{code}"
    facts = {"item": found.item, "number": found.number.value, "trail_code": code}
    show(facts | {"address": address}, address, as_json)


def prove(
    item: ItemText,
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    open_: Annotated[
        bool, typer.Option("--open", help="Put in the item's number and its trail code.")
    ] = False,
    newest: Newest = False,
    as_json: AsJson = False,
    data: DataFolder = None,
) -> None:
    """Write the proof bundle of an item.

    It holds all that is needed to check the item's trail against any node of the chain.
    """
    from backend.cli.installation import installation
    from backend.proof.gather import NodeLogs
    from backend.proof.make import make_bundle
    from backend.proof.words import counted
    from backend.queries import network
    from backend.queries.carriers import carriers
    from backend.store.engine import begin

    house = installation(data)
    with begin(house.engine) as db:
        found = find_item(db, item, newest)
        opening = _opening(db, found) if open_ else None
        names = {custodian.number: custodian.name for custodian in network.custodians(db)}
        receptacles = [one.item for one in carriers(db, found)]
    source = NodeLogs(house.node, house.deployment)
    content, made = make_bundle(source, house.deployment, found, opening, names, receptacles)
    write_file(out, content)
    records, signatures = len(made.story.entries), made.story.signatures
    facts = {"file": out, "item": found, "records": records, "signatures": signatures}
    show(
        facts | {"block": made.newest.number},
        f"{out}: {counted(records, 'record')}, {counted(signatures, 'signature')}, as of block {made.newest.number}. "
        f"Check it:\n{command_line(f'check {shlex.quote(str(out))} --rpc {house.settings.rpc_urls[0]}')}",
        as_json,
    )


def _opening(db: Connection, item: bytes) -> Opening:
    from backend.domain.item_numbers import ItemNumber, Scheme
    from backend.proof.bundle import Opening
    from backend.store.items import secret

    found = secret(db, item)
    if found is None:
        raise NotFound(
            "This installation did not accept the item and does not know its number.",
            "Leave out --open, or ask the operator that accepted it.",
        )
    return Opening(ItemNumber(Scheme(found.scheme), found.value), found.trail_code)


def check(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A proof bundle.")],
    rpc: Annotated[str, typer.Option("--rpc", help="A node of the chain, like http://host:8545.")],
    network: Annotated[
        str | None,
        typer.Option("--network", help="The address of PostalNetwork that you know to be right."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a proof bundle against a node alone.

    No Posthorn server is asked. Ends with 0 holds, 1 refuted, 2 could not check.
    """
    from backend.chain.answers import NodeAway
    from backend.chain.client import Node
    from backend.proof.bundle import read_bundle
    from backend.proof.check import check_bundle
    from backend.proof.records import Refuted

    limit_recursion()
    if not NODE_ADDRESS.fullmatch(rpc):
        raise BadRequest(f"{rpc} is no address of a node.", "One like http://127.0.0.1:8545.")
    parsed = read_sealed(bundle, "proof bundle", "prove", read_bundle)
    address = "0x" + parsed.deployment.network.hex()
    if network is not None and network.lower() != address:
        raise Refuted(f"The bundle is of the network {address}, not of {network}.")
    with closing(Node([rpc])) as node:
        try:
            held = check_bundle(parsed, node)
        except NodeAway:
            raise Unavailable(f"No node answers at {rpc}.", ANOTHER_NODE) from None
    text = _held_text(held, parsed.facilities)
    if network is None:
        text += (
            f"\nThe network is {address}. Anybody can deploy one: compare it with the address that the "
            "posts publish, or give it with --network."
        )
    show(_held_json(held, parsed.item, address), text, as_json)


def s10(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="Like RR473124829AT.")],
    as_json: AsJson = False,
) -> None:
    """Check a UPU S10 number.

    Its form, prefix, check digit and issuer.
    """
    from backend.domain.item_numbers import BadItemNumber, parse_s10

    try:
        value = parse_s10(number).value
    except BadItemNumber as error:
        raise Unprocessable(f"{str(error)[0].upper()}{str(error)[1:]}.") from None
    facts = {"number": value, "service": value[:2], "serial": value[2:10], "issuer": value[11:]}
    text = (
        f"{value} is well formed: service {value[:2]}, serial {value[2:10]}, issuer {value[11:]}."
    )
    show(facts, text, as_json)


def find_item(db: Connection, text: str, newest: bool) -> bytes:
    """The item that a number, a hash or a trail code names; of several it asks at a terminal which.

    Raises NotFound, SeveralItems, Unprocessable.
    """
    from backend.queries import items as item_answers

    text = text.strip()
    if ITEM_HASH.fullmatch(text):
        return bytes.fromhex(text[2:])
    if (item := _by_trail_code(db, text)) is not None:
        return item
    if found := item_answers.bearing(db, _number_in(text)):
        return found[0 if len(found) == 1 or newest else _ask_which(text, found)].item
    raise NotFound(
        f"No item bears the number {text}.",
        f"`posthorn verify {text}` says where a stamp with this number stands."
        if is_stamp_number(text)
        else "Check it with `posthorn s10`, or give the trail code from its label.",
    )


def _by_trail_code(db: Connection, text: str) -> bytes | None:
    """The item of a trail code, bare or in the address that a label's QR opens; None where it may be a number.

    Raises NotFound, Unprocessable.
    """
    from backend.domain.commitments import BadTrailCode, parse_trail_code, trail_code_lookup
    from backend.queries.labels import AGAIN, TRAIL_URL
    from backend.store.items import by_trail_lookup

    address = TRAIL_URL.fullmatch(text)
    try:
        code = parse_trail_code(address[1] if address else text)
    except BadTrailCode as error:
        if address:
            raise Unprocessable(f"This is no label's code: {error}.", AGAIN) from None
        return None
    row = by_trail_lookup(db, trail_code_lookup(code))
    if row is None and address:
        raise NotFound("No label of this post bears this code.", AGAIN)
    return bytes(row.item) if row else None


def _number_in(text: str) -> str:
    """The number as an item bears it. Raises Unprocessable for a stamp's whole code."""
    from backend.domain.item_numbers import STAMP_PREFIX
    from stamps.payload import PAYLOAD_IN_URL

    if PAYLOAD_IN_URL.fullmatch(text):
        raise Unprocessable("This is a stamp's code.", "`posthorn verify` says where it stands.")
    return STAMP_PREFIX + text if is_stamp_number(text) else text


def is_stamp_number(text: str) -> bool:
    """Whether it is written like 1-3-000017."""
    from stamps.number import WRITTEN

    return WRITTEN.fullmatch(text) is not None


def _ask_which(number: str, found: tuple[ItemAnswer, ...]) -> int:
    lines = [f"  {index}  {_item_line(item)}" for index, item in enumerate(found, start=1)]
    heading = f"{len(found)} items bear the number {number}:"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise SeveralItems(
            "\n".join([heading, *lines]),
            "Give the hash of the one that is meant, or --newest.",
            items=["0x" + item.item.hex() for item in found],
        )
    say("\n".join([heading, *lines]))
    choice: int = typer.prompt("Which one", default=1, err=True, type=int)
    if not 1 <= choice <= len(found):
        raise BadRequest(f"There is no {choice}: 1 to {len(found)}.")
    return choice - 1


def _item_line(item: ItemAnswer) -> str:
    from backend.domain import codes
    from backend.queries.words import when

    state = codes.MODES.text(item.ended) if item.ended else "delivered"
    if item.ended is None:
        state = f"with {item.holder.name}" if item.holder else "under custody"
    return (
        f"accepted {when(item.accepted_time)}, {item.records} records, {state}, 0x{item.item.hex()}"
    )


def _held_json(held: Held, item: bytes, network: str) -> dict[str, Any]:
    from backend.proof.words import carried_json, contents_json, evidence_json

    return {
        "holds": True,
        "item": item,
        "network": network,
        "records": len(held.entries),
        "signatures": held.signatures,
        "stamps": held.stamps,
        "later_records": held.later,
        "block": held.at.number,
        "head": held.state.head,
        "custodian": held.story.custodian(),
        "answerable": {
            "custodian": held.state.answer.custodian,
            "why": held.state.answer.why.value,
            "record": held.state.answer.record,
        },
        "carried": carried_json(held.story),
        "contents": contents_json(held.story.contents) if held.story.contents else None,
        "evidence": [evidence_json(event) for event in held.story.evidence],
    }


def _held_text(held: Held, facilities: Any) -> str:
    from backend.proof.words import answerable, carried, contents, counted, evidence

    later = f"; {counted(held.later, 'later record')}" if held.later else ""
    parts = [counted(len(held.entries), "record")]
    if receptacles := len(held.said.trails) - 1:
        parts.append(
            f"{counted(receptacles, 'receptacle')} with {held.receptacle_records} of their own"
        )
    parts.append(counted(held.signatures, "signature"))
    parts += [counted(held.stamps, "stamp")] if held.stamps else []
    holds = (
        f"holds: {', '.join(parts)}, block {held.at.number}{later}. "
        f"No Posthorn server was asked. Answerable: {answerable(held.state, facilities)}."
    )
    own = held.story.contents
    inside = [contents(own, facilities)] if own else []
    beside = [evidence(event, facilities) for event in held.story.evidence]
    return "\n".join([holds, *carried(held.story, facilities), *inside, *beside])
