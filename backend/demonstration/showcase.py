"""The specimen sheet: eight codes and one of a stranger, each with what it should say."""

from __future__ import annotations

from typing import Any

from backend.demonstration.cast import ARLBERG, SANTIS
from backend.demonstration.editions import SAENTIS, signals
from backend.demonstration.plan import Parcel
from backend.demonstration.stage import Stage
from backend.demonstration.stories import MODEL
from backend.domain.ids import stamp_number
from backend.ports import House
from stamps.payload import Network, PublicCode, encode
from stamps.payload import make as make_code

SPECIMENS = (
    (17, "valid and sealed"),
    (21, "used on the model item"),
    (44, "used, then seen again: a copy"),
    (60, "cancelled to order on the first day, twin claimed"),
    (805, "stolen: not sold by Arlberg Post"),
    (122, "void: spoilt in printing"),
)


def arrange(stage: Stage, parcels: dict[str, Parcel]) -> list[dict[str, Any]]:
    """Rows of the table showcase."""
    house = stage.house
    sheet = [(encode(public_code(house, signals(s), ARLBERG)), says) for s, says in SPECIMENS]
    early = public_code(house, stamp_number(SAENTIS, 7), SANTIS)
    sheet.append((encode(early), "valid from its first day of issue on"))
    sheet.append((changed(encode(public_code(house, signals(17), ARLBERG))), "one letter changed"))
    stranger = public_code(house, signals(17), ARLBERG, key="stranger/Arlbergpost")
    sheet.append((encode(stranger), "signed by «Arlbergpost», whom nobody knows"))
    model = "0x" + parcels[MODEL].item.hex()
    rows = [{"position": 0, "kind": "item", "value": model, "says": MODEL}]
    return rows + [
        {"position": i, "kind": "stamp", "value": code, "says": says}
        for i, (code, says) in enumerate(sheet, start=1)
    ]


def public_code(house: House, stamp: int, operator: int, key: str | None = None) -> PublicCode:
    """The signed code of a stamp, by its operator's stamp signer (design.md §4)."""
    network = Network(house.network_alias, house.stamps.chain_id, house.stamps.contract)
    name = key or f"stamps/{operator}"
    return make_code(stamp, network, lambda digest: house.signer.sign(name, digest))


def changed(text: str) -> str:
    """The code with one letter of its signature changed to the next one."""
    place = len(text) - 40
    other = "7" if text[place] != "7" else "8"
    return text[:place] + other + text[place + 1 :]
