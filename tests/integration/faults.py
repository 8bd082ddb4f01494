"""What a node, or whatever stands before it, may do to a question or its answer (B7), each under its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from eth_account import Account

from backend.chain import transactions

Calls = Sequence[dict[str, Any]]
Body = Callable[[Any, bytes, Random], bytes]
Change = Callable[[Any, Random], Any]

LOGS = ("eth_getLogs",)
SEND = ("eth_sendRawTransaction",)
BLOCKS = ("eth_getBlockByNumber",)
OTHER_CHAIN = 7


def as_it_is(asked: Any, body: bytes, random: Random) -> bytes:
    return body


@dataclass(frozen=True)
class Fault:
    """What happens to a request that asks for one of the methods; none named: to any.

    `forwarded`: the node is asked first. `afterwards`: what is asked of it besides. `body` makes what goes back
    of the question and the node's answer.
    """

    name: str
    methods: tuple[str, ...] = ()
    forwarded: bool = True
    status: int = 200
    body: Body = as_it_is
    afterwards: dict[str, Any] | None = None
    tag: str = ""

    def fits(self, calls: Calls) -> bool:
        if self.methods and not any(call["method"] in self.methods for call in calls):
            return False
        return not self.tag or any(call["params"][:1] == [self.tag] for call in calls)


def result(change: Change) -> Body:
    """Each result of a list with something in it, or of any other kind, is changed."""

    def body(asked: Any, answered: bytes, random: Random) -> bytes:
        answers = json.loads(answered)
        for answer in answers if isinstance(answers, list) else [answers]:
            if answer.get("result"):
                answer["result"] = change(answer["result"], random)
        return json.dumps(answers).encode()

    return body


def error(code: int, message: str) -> Body:
    """Each question is answered with an error."""

    def body(asked: Any, answered: bytes, random: Random) -> bytes:
        said = {"code": code, "message": message}
        calls = asked if isinstance(asked, list) else [asked]
        answers = [{"jsonrpc": "2.0", "id": call["id"], "error": said} for call in calls]
        return json.dumps(answers if isinstance(asked, list) else answers[0]).encode()

    return body


# --- logs -------------------------------------------------------------------------------------------
def one_missing(logs: list[Any], random: Random) -> list[Any]:
    left_out = random.randrange(len(logs))
    return logs[:left_out] + logs[left_out + 1 :]


def one_twice(logs: list[Any], random: Random) -> list[Any]:
    return [*logs, random.choice(logs)]


def shuffled(logs: list[Any], random: Random) -> list[Any]:
    return random.sample(logs, len(logs))


def one_removed(logs: list[Any], random: Random) -> list[Any]:
    at = random.randrange(len(logs))
    return [*logs[:at], logs[at] | {"removed": True}, *logs[at + 1 :]]


def of_another_block(logs: list[Any], random: Random) -> list[Any]:
    other = "0x" + random.randbytes(32).hex()
    return [log | {"blockHash": other} for log in logs]


# --- blocks -----------------------------------------------------------------------------------------
def cut_short(asked: Any, answered: bytes, random: Random) -> bytes:
    return answered[: random.randrange(len(answered))]


def out_of_order(asked: Any, answered: bytes, random: Random) -> bytes:
    """JSON-RPC allows a batch's answers in any order."""
    answers = json.loads(answered)
    if isinstance(answers, list):
        random.shuffle(answers)
    return json.dumps(answers).encode()


@dataclass
class Behind:
    """A node that is some blocks behind, as one of several behind a balancer may be: it shows heads of before."""

    seen: list[Any] = field(default_factory=list)

    def __call__(self, asked: Any, answered: bytes, random: Random) -> bytes:
        answer = json.loads(answered)
        self.seen = [*self.seen, answer["result"]][-8:]
        return json.dumps(answer | {"result": random.choice(self.seen)}).encode()


def not_found(asked: Any, answered: bytes, random: Random) -> bytes:
    """Blocks that this node does not have yet."""
    return result(lambda *_: None)(asked, answered, random)


# --- prices -----------------------------------------------------------------------------------------
@dataclass
class Prices:
    """geth's and Besu's rule: the same nonce again costs at least 10 % more of both fees. anvil takes one wei more."""

    best: dict[tuple[str, int], transactions.Unsigned] = field(default_factory=dict)

    def too_cheap(self, calls: Calls) -> list[dict[str, Any]]:
        """Those of the broadcasts that pay less than what the pool has of their nonce, and a tenth."""
        return [call for call in calls if call["method"] == SEND[0] and self._is_too_cheap(call)]

    def note(self, calls: Calls, answers: list[dict[str, Any]]) -> None:
        """Remember what the node has taken."""
        taken = {answer["id"] for answer in answers if answer.get("result")}
        for call in calls:
            if call["method"] == SEND[0] and call["id"] in taken:
                place, new = _priced(call)
                self.best[place] = new

    def _is_too_cheap(self, call: dict[str, Any]) -> bool:
        place, new = _priced(call)
        old = self.best.get(place, new)
        dearer = (
            new.fees.max_wei * 10 >= old.fees.max_wei * 11
            and new.fees.tip_wei * 10 >= old.fees.tip_wei * 11
        )
        return old != new and not dearer


def _priced(call: dict[str, Any]) -> tuple[tuple[str, int], transactions.Unsigned]:
    raw = bytes.fromhex(call["params"][0][2:])
    new = transactions.read(raw)
    return (Account.recover_transaction(raw), new.nonce), new


def underpriced(call: dict[str, Any]) -> dict[str, Any]:
    said = {"code": -32000, "message": "replacement transaction underpriced"}
    return {"jsonrpc": "2.0", "id": call["id"], "error": said}


def faults() -> dict[str, Fault]:
    """All of them by name; those of one proxy, for some remember what they saw."""
    all_ = (
        # on the way
        Fault("kept back", forwarded=False, status=502),
        Fault("answer lost", status=504),
        Fault("accepted, then an error", SEND, body=error(-32000, "internal error")),
        Fault("accepted, then silence", SEND, status=502),
        Fault("too many requests", forwarded=False, status=429),
        Fault("cut short", body=cut_short),
        Fault("out of order", body=out_of_order),
        # logs
        Fault("log missing", LOGS, body=result(one_missing)),
        Fault("no logs", LOGS, body=result(lambda *_: [])),
        Fault("log twice", LOGS, body=result(one_twice)),
        Fault("logs shuffled", LOGS, body=result(shuffled)),
        Fault("log removed", LOGS, body=result(one_removed)),
        Fault("logs of another block", LOGS, body=result(of_another_block)),
        Fault("range refused", LOGS, body=error(-32005, "query returned more than 10000 results")),
        # heads and blocks
        Fault("head behind", BLOCKS, body=Behind(), tag="latest"),
        Fault("block not found", (*BLOCKS, "eth_getBlockByHash"), body=not_found),
        # the node itself
        Fault("wrong chain", ("eth_chainId",), body=result(lambda *_: hex(OTHER_CHAIN))),
        Fault(
            "pool wiped",
            SEND,
            afterwards={"jsonrpc": "2.0", "id": 1, "method": "anvil_dropAllTransactions"}
            | {"params": []},
        ),
    )
    return {fault.name: fault for fault in all_}


FAULTS = tuple(faults())
