"""The words of verdicts and trails, the same in API, page and command line (design.md §4, C12).

Times in sentences are UTC; pages show local time beside them. No sentence accuses a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from backend.domain import codes, ids
from backend.domain.item_numbers import BadItemNumber
from backend.domain.network import Custodian, Right
from backend.domain.rules import judge_signer, judge_stand_in
from backend.domain.times import written
from backend.domain.trail import Body, HandedOff, Missing, Packed, Stay, TrailState, Why
from backend.domain.typed_data import Acceptance, Closing, Delivery, End, Opening, Report, TakeUp
from backend.domain.verdict import CodeAxis, StampFacts, UseAxis, Verdict
from backend.queries.network import CustodianAnswer

Names = dict[int, CustodianAnswer]
NO_BAGS: Mapping[bytes, str] = {}


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """The verdict in words, the same in API, page and CLI; never an accusation.

    `tone` for colour and icon: good, wait, used, stop, unknown. `evidence` are whole sentences.
    """

    tone: str
    headline: str
    evidence: tuple[str, ...]
    what_now: str
    appeal: str


def when(seconds: int) -> str:
    """`3 March 2026, 09:14 UTC`."""
    return written(seconds, "%-d %B %Y, %H:%M UTC")


def day(seconds: int) -> str:
    """`3 March 2026`."""
    return written(seconds, "%-d %B %Y")


def span(seconds: int) -> str:
    """`40 minutes`, `5 hours`, `3 days`: coarse, for people."""
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}" + ("s" if count > 1 else "")
    return "less than a minute"


def items_text(count: int) -> str:
    """`1 item`, `40 items`."""
    return f"{count} item{'s' if count != 1 else ''}"


# --- stamps ---------------------------------------------------------------------------------------
CODE_WORDS: dict[CodeAxis, tuple[str, str, str]] = {
    CodeAxis.UNREADABLE: (
        "unknown",
        "This cannot be read as a stamp's code.",
        "Scan it again in good light, or type the number printed under the code.",
    ),
    CodeAxis.MISMATCH: (
        "stop",
        "The signature does not match.",
        "Scan it again. If it stays so, show the piece at a counter; do not take it as payment.",
    ),
    CodeAxis.UNKNOWN_SIGNER: (
        "stop",
        "The signer is unknown: no post of this network has issued this code.",
        "Do not buy it and do not take it as payment; show the piece at a counter.",
    ),
    CodeAxis.SIGNER_REVOKED: (
        "stop",
        "The signer was revoked before this stamp was sold.",
        "Do not take it as payment; show the piece at a counter.",
    ),
}


# Somebody has typed the other number that stands on a piece: what it is, and what to do.
ITEM_NUMBER_WORDS = (
    "This is a parcel’s number.",
    "Its trail opens with the code on its label: scan it, or type its 26 letters and digits. "
    "By the number alone it opens only after signing in.",
)


def misread_words(error: BadItemNumber) -> tuple[str, str]:
    """The same of an item's number that does not fit itself."""
    return f"{error.fault}.", f"{_capital(error.what_now)}."


def verdict_words(
    verdict: Verdict, issuer: str, stamp: int | None, names: Names, first_day: int | None
) -> VerdictWords:
    """What to say to who scanned or typed a stamp."""
    appeal = _appeal(issuer, stamp)
    if verdict.code in CODE_WORDS:
        tone, headline, what_now = CODE_WORDS[verdict.code]
        return VerdictWords(tone, headline, (), what_now, appeal)
    if verdict.facts is None:
        typed = "Check the number; it stands under the code, like 1-3-000017."
        return VerdictWords("unknown", "No such stamp was issued.", (), typed, appeal)
    tone, says, what_now = _use_words(verdict, verdict.facts, issuer, names, first_day or 0)
    issued = f"Issued by {issuer}. " if verdict.use is not UseAxis.NOT_SOLD else ""
    return VerdictWords(tone, issued + says, _evidence(verdict.facts, names), what_now, appeal)


def use_being_recorded(words: VerdictWords, issuer: str) -> VerdictWords:
    """The words for a stamp whose use is on its way to the chain: neither unused nor used (B2)."""
    says = f"Issued by {issuer}. Its use is being recorded."
    return replace(words, tone="wait", headline=says, what_now="Look again in a few seconds.")


def _appeal(issuer: str, stamp: int | None) -> str:
    who = issuer or "The post that sold it"
    number = f" It goes by the number {ids.stamp_text(stamp)}." if stamp else ""
    return f"You disagree? {who} looks at the piece at any of its counters.{number}"


def _use_words(
    verdict: Verdict, facts: StampFacts, issuer: str, names: Names, first_day: int
) -> tuple[str, str, str]:
    match verdict.use:
        case UseAxis.NOT_SOLD:
            says = f"This stamp has not been sold by {issuer}."
            return "stop", says, "Do not buy it and do not take it as payment."
        case UseAxis.BEING_RECORDED:
            return "wait", "Its sale is being recorded.", "Look again in a few seconds."
        case UseAxis.NOT_YET_VALID:
            return "wait", f"Valid from {day(first_day)}.", "Keep it until its first day."
        case UseAxis.VALID:
            says = "Valid: it has not been used."
            return "good", says, "Use it. A copy of its code looks alike: the first use counts."
        case UseAxis.WITHDRAWN:
            says = f"Withdrawn from postage on {day(facts.withdrawn_from or 0)}."
            return "stop", says, "It is no postage any more; its twin stays."
        case UseAxis.VOID:
            reason = codes.VOID_REASONS.text(facts.void_reason or 0)
            unsold = ", before it was sold" if facts.issued_at is None else ""
            return (
                "stop",
                f"Out of use: {reason}{unsold}.",
                "It is no postage; its paper is to be struck.",
            )
        case _:
            return _used(facts, names)


def _used(facts: StampFacts, names: Names) -> tuple[str, str, str]:
    use = facts.use
    assert use is not None
    how = f", {codes.CANCEL_KINDS.text(use.kind)}" if use.kind else ""
    return (
        "used",
        f"Already used: {names[use.custodian].name}, {when(use.time)}{how}.",
        "On a letter that has reached you, this is as it should be. If you meant to use it or bought it "
        "as unused, ask at a counter: the concealed code shows which paper is the original.",
    )


def _evidence(facts: StampFacts, names: Names) -> tuple[str, ...]:
    """Sentences behind the verdict: sale, sightings after the use, originals shown, the twin."""
    said = []
    if facts.issued_at is not None:
        said.append(f"Sold on {when(facts.issued_at)}.")
    for seen in facts.sightings:
        where = names[seen.custodian].name
        later = f", {span(seen.time - facts.use.time)} later" if facts.use else ""
        said.append(f"Seen again: {where}, {when(seen.time)}{later}.")
    said += [f"The original was shown on {when(time)}." for time in facts.original_shown]
    if facts.twin_claimed:
        said.append("Its twin was claimed; it no longer goes with the paper.")
    elif facts.issued_at is not None and facts.claims_closed_at is not None:
        said.append(
            f"Claims of its twin were closed on {when(facts.claims_closed_at)}: its concealed code may "
            "be known to others, and shows nothing. As postage it is what it was."
        )
    elif facts.issued_at is not None:
        said.append("Its twin is sealed: whoever has the concealed code may claim it.")
    return tuple(said)


# --- custodians -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class NoSignature:
    """Why a signature does not count, in one sentence, and what to do next.

    `by_network`: its operator is suspended, so that nothing at all of it is recorded (N4).
    """

    why: str
    what_now: str
    by_network: bool = False


def why_no_signature(who: Custodian, called: CustodianAnswer, now: int) -> NoSignature | None:
    """N2-N4 before anything is refused: why a custodian cannot sign now; None where it can."""
    if judge_signer(who.number, who, now) is None:
        return None
    return _suspended(who, called) or NoSignature(
        _why_no_right(called.name, who.rights, now), _ask_administrator(called)
    )


def why_not_to_be_taken_over(
    giver: Custodian, called: CustodianAnswer, released: int, by_stand_in: bool, now: int
) -> NoSignature | None:
    """C2, C9: why nobody can take over a list that was good when it was made; None where its giver is no hindrance."""
    if by_stand_in:
        if judge_stand_in(giver.number, giver, now) is None:
            return None
        return NoSignature(f"{called.name} can sign for itself again.", "Let it hand over itself.")
    if judge_signer(giver.number, giver, released) is None:
        return None
    lost = f"The key of {called.name} was reported lost: what it signed does not count any more."
    again = f"It takes a new list of {called.name}, signed with another key."
    return _suspended(giver, called) or NoSignature(lost, again)


def _suspended(who: Custodian, called: CustodianAnswer) -> NoSignature | None:
    if who.operator_suspended:
        why = f"{called.operator_name} is suspended from the network."
        return NoSignature(why, "Ask the network’s governor: nobody else can lift it.", True)
    if who.suspended:
        return NoSignature(f"{called.name} is suspended.", _ask_administrator(called))
    return None


def _ask_administrator(called: CustodianAnswer) -> str:
    return f"Ask the administrator of {called.operator_name}."


def _why_no_right(name: str, rights: tuple[Right, ...], now: int) -> str:
    """N3: not yet, never, no more, or its key was lost."""
    if not rights:
        return f"{name} has not been given the right to sign."
    if rights[-1].compromised:
        return f"The key of {name} was reported lost."
    if begins := [right.from_time for right in rights if right.from_time > now]:
        return f"{name} has the right to sign from {when(min(begins))} on."
    ended = max(right.until_time for right in rights if not right.compromised)
    return f"The right of {name} to sign lapsed on {when(ended)}."


# --- trails ---------------------------------------------------------------------------------------
def entry_text(body: Body, names: Names, bags: Mapping[bytes, str] = NO_BAGS) -> str:
    """One record in one phrase; `bags` are how receptacles are called, where the reader may know it."""
    match body:
        case Acceptance():
            source = codes.SOURCES.text(body.source)
            return f"Accepted by {names[body.custodian].name}, {source}"
        case HandedOff():
            forced = ", its post standing in for the giver" if body.forced_by else ""
            return f"{names[body.giver].name} to {names[body.receiver].name}{forced}"
        case Packed() | Closing() | Opening() | Stay() | Missing():
            return _receptacle_text(body, names, bags)
        case Delivery():
            return f"Delivered by {names[body.giver].name}, signed with the delivery key"
        case End():
            return (
                f"{_capital(codes.MODES.text(body.mode))}, stated by {names[body.custodian].name}"
            )
        case TakeUp():
            reason = codes.TAKE_UP_REASONS.text(body.reason)
            return f"Taken up by {names[body.custodian].name} alone: {reason}"
        case Report():
            who = names[body.reporter].name if body.reporter else "the addressee"
            what, why = codes.REPORTS.text(body.code), codes.REASONS.text(body.reason)
            reason = f" ({why})" if body.reason and why != what else ""
            return f"{_capital(what)}{reason}, reported by {who}"
        case _:
            return f"Offers recalled by {names[body.custodian].name}"


def _receptacle_text(
    body: Packed | Closing | Opening | Stay | Missing, names: Names, bags: Mapping[bytes, str]
) -> str:
    """C7: of the receptacle itself, and of what lay in it."""
    who = names[body.custodian].name
    match body:
        case Packed():
            return f"{items_text(len(body.items))} packed into it by {who}"
        case Closing():
            return f"Closed and sealed by {who}, with {items_text(body.count)}"
        case Opening():
            gone = f", {len(body.missing)} missing" if body.missing else ""
            return f"Opened by {who}{gone}"
        case Stay():
            how = "found in it" if body.verified else "inferred, not seen"
            bag = bags.get(body.receptacle, "a bag")
            return f"Carried in {bag} that {who} opened: {how}"
        case Missing():
            bag = bags.get(body.receptacle, "its bag")
            return f"Missing when {bag} was opened; back with {who}, who closed it"


def packed_text(packed_by: CustodianAnswer, bag: str) -> str:
    """How an item came into the bag in which it lies."""
    return f"Packed into {bag} by {packed_by.name}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def where_it_is(state: TrailState | None, since: int, names: Names) -> str:
    """One sentence first: where the item is."""
    if state is None:
        return "Accepted; this is being recorded."
    if state.ended is None:
        holder = names[state.holder]
        if ids.is_receptacle(state.holder):
            return f"In {holder.name}, since {when(since)}."
        place = f" ({holder.place})" if holder.place else ""
        return f"With {holder.name}{place} since {when(since)}."
    if state.ended == 0:
        return f"Delivered on {when(since)}, signed with the delivery key."
    return f"{_capital(codes.MODES.text(state.ended))}, {when(since)}."


def answerable(state: TrailState | None, at: int, names: Names) -> str:
    """C12 in one sentence; `at` is the time of the record that it follows from."""
    if state is None:
        return "Who answers for it is known once its acceptance is recorded."
    answer = state.answer
    if not answer.custodian:
        return _nobody(answer.why, at, _who_contests(state))
    who = names[answer.custodian]
    post = f" ({who.operator_name})" if who.operator_name else ""
    return f"Answers for it now: {who.name}{post}, {BECAUSE[answer.why].format(at=when(at), who=_who_contests(state))}."


BECAUSE = {
    Why.ACCEPTED: "who accepted it on {at}",
    Why.TAKEN_OVER: "who took it over without reservation on {at}",
    Why.TAKEN_UP: "who took it up on {at}",
    Why.UNPACKED: "who found it in its bag on {at}",
    Why.INFERRED: "who answered for the bag that it lay in, opened on {at}",
    Why.MISSING: "who closed the bag in which it was missing on {at}",
    Why.RESERVATION: "because the next one took it only under reservation, on {at}",
    Why.CONTESTED: "because the {who} states that it was not received, {at}",
}


def _who_contests(state: TrailState) -> str:
    """Whose word stands against a carrier's alone: of a return, the sender's."""
    is_return = state.ended == codes.MODES.number("returned_to_sender")
    return "sender" if is_return else "addressee"


def _nobody(why: Why, at: int, who_contests: str) -> str:
    match why:
        case Why.DELIVERED:
            return f"Nobody answers for it now: its addressee signed for it on {when(at)}."
        case Why.STATED:
            what = "return" if who_contests == "sender" else "delivery"
            return (
                f"Nobody answers for it now: its {what} was stated by the carrier alone, {when(at)}. "
                f"The {who_contests} may contest it."
            )
        case Why.LEFT:
            return f"Nobody in this network answers for it now: it left the network on {when(at)}."
        case _:
            return f"Nobody answers for it now: its custody ended on {when(at)}."
