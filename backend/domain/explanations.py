"""Why a record is refused: one entry for every error of the contracts, in words for people.

The judge (rules.py) and the decoder of the contracts' errors speak through the same table, so a clerk reads
the same sentence whether the backend saw it first or the chain.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """`rule` cites design.md §3; `detail` is filled with the error's values; `what_now` is the next step."""

    rule: str
    detail: str
    what_now: str = ""


CHECK_AGAIN = "Scan the item again; its state is read anew."
ASK_OPERATOR = "Ask the operator's administrator."
SET_CLOCK = "Check the clock of this device against the time shown on the page."

EXPLANATIONS: dict[str, Explanation] = {
    # --- PostalNetwork
    "NotGovernor": Explanation("N1", "{account} is not the network's governor."),
    "NotOfferedGovernor": Explanation("N1", "The governor's role was not offered to {account}."),
    "TooEarlyToAccept": Explanation(
        "N1", "The governor's role can be taken over from {acceptable_from} on."
    ),
    "ZeroAddress": Explanation("N1", "An address is missing (it is zero)."),
    "InvalidOperator": Explanation(
        "N1", "{operator} cannot be an operator's number, or its name is empty."
    ),
    "OperatorExists": Explanation(
        "N1", "Operator {operator} exists already; numbers are never given twice."
    ),
    "UnknownOperator": Explanation("N1", "There is no operator {operator}."),
    "NotAdmin": Explanation("N1", "{account} is not the administrator of operator {operator}."),
    "NotOfferedAdmin": Explanation("N1", "The role was not offered to {account}."),
    "StampSignerExists": Explanation(
        "S8", "This stamp signer was named before; a revoked one never comes back."
    ),
    "UnknownStampSigner": Explanation("S8", "Operator {operator} has no such stamp signer."),
    "InvalidCustodian": Explanation("N2", "{custodian} cannot be a custodian's number."),
    "CustodianExists": Explanation("N2", "Custodian {custodian} exists already."),
    "UnknownCustodian": Explanation(
        "N2", "There is no custodian {custodian}.", "Check the number."
    ),
    "CustodianIsSuspended": Explanation(
        "N4",
        "Custodian {custodian} is suspended: nothing new is recorded in its name.",
        ASK_OPERATOR,
    ),
    "OperatorIsSuspended": Explanation(
        "N4", "Operator {operator} is suspended from the network.", "Ask the network's governor."
    ),
    "NoRight": Explanation(
        "N3",
        "Custodian {custodian} has no right to sign at {time}: not yet, lapsed, or its key was lost.",
        ASK_OPERATOR,
    ),
    "NotSubmitter": Explanation(
        "N1", "{account} may not send for operator {operator}.", ASK_OPERATOR
    ),
    "UnsupportedKeyKind": Explanation(
        "N3", "Keys of kind {kind} cannot be granted in this network."
    ),
    "InvalidKeyHolder": Explanation(
        "N2", "The key is held by the device (1) or the operator (2), not {key_holder}."
    ),
    "EmptyRight": Explanation(
        "N3", "A right must end after it begins; this one lasts from {from_} to {until}."
    ),
    "KeyInUse": Explanation("N3", "This key serves custodian {custodian} already."),
    "KeyIsCompromised": Explanation("N3", "This key was reported lost and is never granted again."),
    "UnknownKey": Explanation("N3", "This key never served custodian {custodian}."),
    # --- all records
    "SignatureLength": Explanation(
        "G1", "A signature has 64 bytes, this one {length}.", "Sign again."
    ),
    "WrongSignature": Explanation(
        "G1", "The signature is not by the key that has to sign.", "Sign again on the right device."
    ),
    "TimeTooOld": Explanation(
        "C5",
        "The event at {time} lies too far back: nothing older than 14 days ({oldest}) is recorded.",
        "Record what you see now, with a report that tells what happened before.",
    ),
    "TimeAhead": Explanation(
        "C5", "The event time {time} lies in the future (latest: {latest}).", SET_CLOCK
    ),
    "PastDeadline": Explanation(
        "C2",
        "The deadline {deadline} has passed.",
        "Let the giver hand over again, with a new deadline.",
    ),
    "DeadlineTooFar": Explanation(
        "C5", "The deadline {deadline} lies too far ahead (latest: {latest})."
    ),
    # --- CustodyLedger
    "AlreadyAccepted": Explanation("C1", "This item was accepted before.", "Look at its trail."),
    "UnknownItem": Explanation(
        "C1", "This item has not been accepted.", "Accept it, or take it up."
    ),
    "CustodyEnded": Explanation(
        "C4", "Custody of this item has ended.", "If you hold it, take it up; else add a report."
    ),
    "NotHolder": Explanation(
        "C3",
        "Custodian {custodian} does not hold this item; {holder} does.",
        "If you hold it, take it up.",
    ),
    "StaleNumber": Explanation(
        "C3",
        "This was signed for custody number {given}; the item is at {current} now.",
        CHECK_AGAIN,
    ),
    "TimeBeforeLatest": Explanation(
        "C5",
        "The event time {time} lies more than 15 minutes before the item's latest ({latest}).",
        SET_CLOCK,
    ),
    "ReceiptBeforeRelease": Explanation(
        "C5",
        "Received at {received}, more than 15 minutes before it was released ({released}).",
        SET_CLOCK,
    ),
    "LineCount": Explanation(
        "C2", "A list has 1 to 500 lines, this one {lines}.", "Split the list."
    ),
    "GiverIsReceiver": Explanation("C2", "Custodian {custodian} cannot hand over to itself."),
    "OtherRelease": Explanation(
        "C2", "The receipt was signed for another release.", "Sign it again."
    ),
    "ReceivedOutOfPlace": Explanation(
        "C2", "Nothing was received, or what was received is not on the list."
    ),
    "FindingOutOfPlace": Explanation("C2", "A finding names line {line}, which was not received."),
    "NotNamed": Explanation("C4", "Acceptance named no such delivery key for this item."),
    "NoSuchRecord": Explanation(
        "C8", "There is no record {corrects} to correct; the trail has {records}."
    ),
    "AlreadyRecorded": Explanation("C8", "This was recorded before, in block {block_number}."),
    "AlreadyHolder": Explanation("C11", "Custodian {custodian} holds this item already."),
    "NotClosed": Explanation(
        "C7",
        "This receptacle is open: it moves, and is opened, only when it is closed.",
        "Close and seal it first.",
    ),
    "IsClosed": Explanation(
        "C7", "This receptacle is closed and takes nothing more.", "Use another one."
    ),
    "WasOpened": Explanation(
        "C7", "This receptacle has been opened; its journey is over.", "Use another one."
    ),
    "HasContents": Explanation(
        "C7", "This receptacle has contents; it is not delivered.", "Open it first."
    ),
    "ContentCount": Explanation(
        "C7",
        "A receptacle holds 1 to 5,000 items; the list does not fit the {count} of this one.",
        "Count again; use another receptacle for more.",
    ),
    "OtherContents": Explanation(
        "C7", "What was packed ({count} items) is not what was signed.", "Close it again."
    ),
    "TooDeep": Explanation("C7", "Receptacles lie in one another at most four deep."),
    "NotIn": Explanation("C7", "This item does not lie in {receptacle}."),
    "GiverCanSign": Explanation(
        "C9", "Custodian {giver} can sign for itself: nobody stands in for it."
    ),
    "NoEquivocation": Explanation(
        "C10",
        "These two hand-offs do not show that one item was signed away twice.",
        "Show two releases by one giver for the same item and custody number, the second made before the deadline "
        "of the first, each with the receipt of its receiver.",
    ),
    # --- CryptoStamp
    "NotLedger": Explanation("S4", "Only the custody ledger may frank."),
    "InvalidEdition": Explanation("S2", "{edition} cannot be an edition's number."),
    "EditionExists": Explanation("S1", "Edition {edition} exists already."),
    "UnknownEdition": Explanation("S1", "There is no edition {edition}."),
    "InvalidValue": Explanation(
        "S1", "An edition has stamps, and a face value with currency or a service."
    ),
    "AlreadyWithdrawn": Explanation(
        "S1", "Edition {edition} is withdrawn already, from {withdrawn_from} on."
    ),
    "WithdrawalTooEarly": Explanation(
        "S1", "A withdrawal needs 90 days' notice: not before {earliest}."
    ),
    "InvalidRange": Explanation(
        "S3", "Serials {first} to {last} are no range of edition {edition}."
    ),
    "NotOwnCustodian": Explanation(
        "S3", "Custodian {custodian} is not of the post that issues edition {edition}."
    ),
    "AlreadyIssued": Explanation(
        "S3", "Stamp {stamp} was sold before.", "Look at the unfinished print jobs."
    ),
    "NotIssued": Explanation(
        "S4",
        "Stamp {stamp} has not been sold: it is no valid postage.",
        "Do not take it as payment.",
    ),
    "AlreadyUsed": Explanation(
        "S4",
        "Stamp {stamp} was used before (block {block_number}).",
        "Show the evidence; the item needs other postage.",
    ),
    "VoidStamp": Explanation("S5", "Stamp {stamp} is out of use.", "The item needs other postage."),
    "NotUsed": Explanation(
        "S9", "Stamp {stamp} has not been used; its original need not be shown."
    ),
    "NotYetValid": Explanation("S1", "Stamp {stamp} is valid from {first_day} on."),
    "WithdrawnFromPostage": Explanation(
        "S1", "Stamp {stamp} was withdrawn from postage on {withdrawn_from}."
    ),
    "ForeignStamp": Explanation(
        "S4", "Stamp {stamp} is of another post; custodian {custodian} cannot cancel it."
    ),
    "NotMissedOn": Explanation("S4", "Stamp {stamp} cannot have been missed on this item."),
    "StampsNotRising": Explanation(
        "S4", "Stamps are listed in rising order; {stamp} came after {before}."
    ),
    "NoStamps": Explanation("S4", "No stamp was named."),
    "NotClaimKey": Explanation(
        "S1", "The claim code is not that of stamp {stamp}.", "Check what you typed."
    ),
    "AlreadyClaimed": Explanation("S6", "The twin of stamp {stamp} was claimed before."),
    "InvalidRecipient": Explanation("S6", "A twin cannot be claimed to this address."),
    "AlreadyShown": Explanation("S9", "The original of stamp {stamp} was shown before."),
    "ClaimsAreClosed": Explanation(
        "S10",
        "Claims of stamp {stamp} were closed on {closed_at}: its claim code may be known to others.",
        "Ask the post that issued it; it may give a new code 30 days after the closing.",
    ),
    "ClaimsOverlap": Explanation(
        "S10", "Claims of serials {first} to {last} of edition {edition} were closed before."
    ),
    "TooManyClosures": Explanation(
        "S10", "Claims of edition {edition} were closed {most} times, which is the most."
    ),
    "ClaimsNotClosed": Explanation(
        "S10",
        "Claims of serials {first} to {last} of edition {edition} were never closed as one range.",
    ),
    "ReplacementTooEarly": Explanation(
        "S10", "Claims stay closed for 30 days: new claim keys count from {earliest} on."
    ),
    "AlreadyReplaced": Explanation(
        "S10", "Serials {first} to {last} of edition {edition} have got new claim keys before."
    ),
    "InvalidClaimRoot": Explanation("S10", "This cannot be the root of claim keys."),
}

# The same errors where the record that stands in the way is not on the chain yet.
UNRECORDED: dict[str, Explanation] = {
    "AlreadyUsed": Explanation(
        "S4",
        "Stamp {stamp} is being used by an item that is not recorded yet.",
        "The item needs other postage; look at what was done on the work page.",
    ),
}
