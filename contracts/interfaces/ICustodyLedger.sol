// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRecords} from "./IRecords.sol";

/// @notice Where an item stands. An ended item may be taken up again (C11).
enum ItemState {
    Unknown,
    Held,
    Ended
}

/// @notice What the chain keeps of an item, in one slot; its head has a slot of its own.
/// @param holder the custodian, or (numbers from 2^40) the receptacle that holds the item; 0 once custody has ended
/// @param number the custody number (C3): counts what changes the holder or voids offers. 1 after acceptance
/// @param records the record number (C3): how many records the trail has. 1 after acceptance
/// @param time the latest event time of a record that changed custody (C5)
/// @param state see {ItemState}
/// @param receptacle the item's own number as a receptacle, 0 if it is none (C7)
/// @param height of a receptacle: how deep its contents are nested (C7)
/// @param closed whether a receptacle is closed (C7)
/// @param origin the operator that accepted the item
struct Item {
    uint48 holder;
    uint32 number;
    uint32 records;
    uint40 time;
    ItemState state;
    uint48 receptacle;
    uint8 height;
    bool closed;
    uint16 origin;
}

/// @notice EIP-712: Acceptance(bytes32 commitment,uint40 custodian,uint40 time,uint16 source,bytes32 keys,
/// bytes32 previous,bytes32 evidence,uint64[] stamps)
/// @param commitment to the item's number off chain, salted; item = keccak256(abi.encode(uint16 operator, commitment))
/// @param source a code: counter, collection, pick-up, bulk, outside the network
/// @param keys 0, or keccak256(abi.encode(recipient, sender, salt)), see {DeliveryKeys}
/// @param previous an older item that this one continues, or 0. Not checked
/// @param stamps what it is franked with, in rising order (S4)
struct Acceptance {
    bytes32 commitment;
    uint40 custodian;
    uint40 time;
    uint16 source;
    bytes32 keys;
    bytes32 previous;
    bytes32 evidence;
    uint64[] stamps;
}

/// @notice EIP-712: Line(bytes32 item,uint32 number,uint16 condition,bytes32 evidence)
/// @param number the custody number of the item when the giver released it
/// @param condition as given, a code
struct Line {
    bytes32 item;
    uint32 number;
    uint16 condition;
    bytes32 evidence;
}

/// @notice EIP-712: Release(uint40 giver,uint40 receiver,uint40 time,uint40 deadline,Line[] lines)Line(...)
struct Release {
    uint40 giver;
    uint40 receiver;
    uint40 time;
    uint40 deadline;
    Line[] lines;
}

/// @notice EIP-712: Finding(uint16 line,uint16 condition,bytes32 evidence)
/// @param line index in the release's lines, from 0
/// @param condition as found, a code. Lines without a finding were found as given
struct Finding {
    uint16 line;
    uint16 condition;
    bytes32 evidence;
}

/// @notice EIP-712: Receipt(bytes32 release,uint40 time,uint256[] received,Finding[] findings)Finding(...)
/// @param release the EIP-712 digest of the release
/// @param received a bitmap: line i is bit i % 256 of word i / 256. As many words as the lines need, no bit beyond them
/// @param findings of received lines, rising by line
struct Receipt {
    bytes32 release;
    uint40 time;
    uint256[] received;
    Finding[] findings;
}

/// @notice EIP-712: Delivery(bytes32 item,uint32 number,uint40 giver,address recipient,uint40 time,uint40 deadline,
/// uint16 condition,bytes32 evidence), signed by the giver and by `recipient`
/// @param recipient the key that signs: the recipient's or, when the item comes back, the sender's
struct Delivery {
    bytes32 item;
    uint32 number;
    uint40 giver;
    address recipient;
    uint40 time;
    uint40 deadline;
    uint16 condition;
    bytes32 evidence;
}

/// @notice The keys that acceptance named, shown. Their hash is {Acceptance-keys}. Keys are fresh for each item.
struct DeliveryKeys {
    address recipient;
    address sender;
    bytes32 salt;
}

/// @notice EIP-712: End(bytes32 item,uint32 number,uint40 custodian,uint40 time,uint16 mode,bytes32 evidence)
/// @param mode a code: delivered without the key (signature kept, proxy, neighbour, ...), left the network, disposed of
struct End {
    bytes32 item;
    uint32 number;
    uint40 custodian;
    uint40 time;
    uint16 mode;
    bytes32 evidence;
}

/// @notice EIP-712: TakeUp(bytes32 item,uint40 custodian,uint40 time,uint16 reason,uint16 condition,bytes32 evidence)
struct TakeUp {
    bytes32 item;
    uint40 custodian;
    uint40 time;
    uint16 reason;
    uint16 condition;
    bytes32 evidence;
}

/// @notice EIP-712: Recall(bytes32 item,uint32 number,uint40 custodian,uint40 time)
struct Recall {
    bytes32 item;
    uint32 number;
    uint40 custodian;
    uint40 time;
}

/// @notice EIP-712: Report(bytes32 item,uint16 code,uint16 reason,uint32 corrects,uint40 reporter,uint40 time,
/// bytes32 evidence)
/// @param corrects the record number that the report corrects, or 0
/// @param reporter the custodian, or 0: the recipient whose key acceptance named
struct Report {
    bytes32 item;
    uint16 code;
    uint16 reason;
    uint32 corrects;
    uint40 reporter;
    uint40 time;
    bytes32 evidence;
}

/// @title CustodyLedger: what happened to an item
/// @notice One call per kind of record, and one for a batch. Anyone may call: the signatures inside say who speaks
/// (G1). The EIP-712 domain is ("CustodyLedger", "1", chain id, this contract).
///
/// The head (C6): head' = keccak256(abi.encode(bytes32 head, bytes32 digest, uint256 line)), from 0. `digest` is the
/// record's EIP-712 digest, for a hand-off the receipt's; `line` is the index of the item's line in the release for a
/// hand-off, 0 for every other record.
///
/// Codes (source, condition, mode, reason, report code) are numbers of published lists. The ledger records any; who
/// reads a trail refuses to name unknown ones. `evidence` is the root of a list of documents kept off chain, or 0.
///
/// @dev Replay: acceptance is once per item; a release, delivery, end and recall name the custody number and raise it;
/// of take-ups and reports, which name none, the digest is kept.
interface ICustodyLedger is IRecords {
    struct SignedAcceptance {
        Acceptance acceptance;
        bytes signature;
    }

    /// @notice `receipt.release` must be the digest of `release`.
    struct HandOff {
        Release release;
        Receipt receipt;
        bytes giverSignature;
        bytes receiverSignature;
    }

    struct SignedDelivery {
        Delivery delivery;
        DeliveryKeys keys;
        bytes giverSignature;
        bytes recipientSignature;
    }

    struct SignedEnd {
        End end;
        bytes signature;
    }

    struct SignedTakeUp {
        TakeUp takeUp;
        bytes signature;
    }

    struct SignedRecall {
        Recall recall;
        bytes signature;
    }

    /// @notice `keys` are all zero where a custodian reports.
    struct SignedReport {
        Report report;
        DeliveryKeys keys;
        bytes signature;
    }

    // ------------------------------------------------------------------------------------------------------ errors

    /// @notice C1: the item has been accepted before.
    error AlreadyAccepted(bytes32 item);
    /// @notice No such item has been accepted.
    error UnknownItem(bytes32 item);
    /// @notice C4: custody of the item has ended: only reports are added, or a take-up.
    error CustodyEnded(bytes32 item);
    /// @notice C3: the item is not held by `custodian` but by `holder`.
    error NotHolder(bytes32 item, uint40 custodian, uint48 holder);
    /// @notice C3: the signed custody number is not the current one. A smaller one will never be good again.
    error StaleNumber(bytes32 item, uint32 given, uint32 current);
    /// @notice C5: the event lies more than 15 minutes before `latest`, the item's latest.
    error TimeBeforeLatest(bytes32 item, uint40 time, uint40 latest);
    /// @notice C5: the receipt lies more than 15 minutes before its release.
    error ReceiptBeforeRelease(uint40 received, uint40 released);
    /// @notice C2: a release has 1 to 500 lines.
    error LineCount(uint256 lines);
    /// @notice C2: giver and receiver are the same custodian.
    error GiverIsReceiver(uint40 custodian);
    /// @notice C2: the receipt was signed over another release.
    error OtherRelease(bytes32 given, bytes32 expected);
    /// @notice C2: the receipt receives no line, or its bitmap does not fit the lines.
    error ReceivedOutOfPlace(uint256 words, uint256 lines);
    /// @notice C2: the finding names a line that was not received, or findings do not rise.
    error FindingOutOfPlace(uint16 line);
    /// @notice C4: the acceptance of the item named no such key.
    error NotNamed(bytes32 item, address recipient);
    /// @notice C8: the report corrects a record that does not exist.
    error NoSuchRecord(bytes32 item, uint32 corrects, uint32 records);
    /// @notice C8, C11: the same take-up or report was recorded before.
    error AlreadyRecorded(bytes32 digest, uint256 blockNumber);
    /// @notice C11: who takes the item up holds it already.
    error AlreadyHolder(bytes32 item, uint40 custodian);

    // ------------------------------------------------------------------------------------------------------ events
    //
    // Promises to who reads the logs:
    // CE1  Every record of an item's trail is exactly one event with the item as first topic, in the order of the
    //      record number, without gaps: Accepted, ItemHandedOff, Delivered, Ended, TakenUp, Recalled, Reported.
    // CE2  `record` is the item's record number after it; `number` the custody number after it. Reported has no
    //      `number`: a report never changes it (C3).
    // CE3  The struct in an event is the struct that was signed: with the domain and the signatures in the same event
    //      the digest and its signers can be checked from the log alone. `digest` is that digest.
    // CE4  ItemHandedOff events are followed, in the same transaction, by the HandedOff event with their digest, which
    //      carries the times, deadline, line hashes, findings and signatures.
    // CE5  A HandedOff event with the same digest may come again later, with lines that were refused before; a line
    //      comes once.
    // CE6  LineRefused tells of a received line that was not recorded; it stays with whom the chain says. If all
    //      received lines are refused, so is the hand-off: LineRefused events are then followed by Refused and by no
    //      HandedOff.
    // CE7  Replaying the events of an item gives its {Item} and its head, but for the block.
    // CE8  Franked events of {ICryptoStamp} for the stamps of an acceptance come before its Accepted, in the same
    //      transaction.

    /// @notice C1. `record` and `number` are 1 and the item's origin is the custodian's operator.
    event Accepted(
        bytes32 indexed item, bytes32 indexed digest, uint40 indexed custodian, Acceptance acceptance, bytes signature
    );

    /// @notice C2, C3: one line of a hand-off that counts. `conditionFound` is `conditionGiven` and `evidenceFound` is
    /// 0 where the receipt has no finding for the line.
    event ItemHandedOff(
        bytes32 indexed item,
        bytes32 indexed digest,
        uint16 line,
        uint32 record,
        uint32 number,
        uint16 conditionGiven,
        uint16 conditionFound,
        bytes32 evidenceGiven,
        bytes32 evidenceFound
    );

    /// @notice C2: a hand-off of which at least one line counts. `lines` are the EIP-712 hashes of all lines of the
    /// release, also of those not received or refused; `released` and `deadline` are the release's times. The release's
    /// digest is `receipt.release`.
    event HandedOff(
        bytes32 indexed digest,
        uint40 indexed giver,
        uint40 indexed receiver,
        uint40 released,
        uint40 deadline,
        bytes32[] lines,
        Receipt receipt,
        bytes giverSignature,
        bytes receiverSignature
    );

    /// @notice C3, CE6. `reason` is {UnknownItem}, {CustodyEnded}, {NotHolder}, {StaleNumber} or {TimeBeforeLatest},
    /// encoded.
    event LineRefused(bytes32 indexed digest, uint256 indexed line, bytes reason);

    /// @notice C4: delivery signed by a key that acceptance named.
    event Delivered(
        bytes32 indexed item,
        bytes32 indexed digest,
        uint40 indexed giver,
        uint32 record,
        uint32 number,
        Delivery delivery,
        DeliveryKeys keys,
        bytes giverSignature,
        bytes recipientSignature
    );

    /// @notice C4: custody ended by the holder alone.
    event Ended(
        bytes32 indexed item,
        bytes32 indexed digest,
        uint40 indexed custodian,
        uint32 record,
        uint32 number,
        End end,
        bytes signature
    );

    /// @notice C11: custody taken with one signature.
    event TakenUp(
        bytes32 indexed item,
        bytes32 indexed digest,
        uint40 indexed custodian,
        uint32 record,
        uint32 number,
        TakeUp takeUp,
        bytes signature
    );

    /// @notice C3: the holder voided the open releases of its item.
    event Recalled(
        bytes32 indexed item,
        bytes32 indexed digest,
        uint40 indexed custodian,
        uint32 record,
        uint32 number,
        Recall recall,
        bytes signature
    );

    /// @notice C8. `keys` are all zero where a custodian reports.
    event Reported(
        bytes32 indexed item,
        bytes32 indexed digest,
        uint40 indexed reporter,
        uint32 record,
        Report report,
        DeliveryKeys keys,
        bytes signature
    );

    // ----------------------------------------------------------------------------------------------------- records

    /// @notice C1: the first record of an item, with its franking (S4): the stamps are used or nothing is recorded.
    function accept(SignedAcceptance calldata signed) external;

    /// @notice Many acceptances; each stands alone (G2).
    function acceptBatch(SignedAcceptance[] calldata batch) external;

    /// @notice C2, C3: a hand-off of 1 to 500 lines. Lines stand alone; if none of the received lines counts, the call
    /// reverts with the reason of the first.
    function handOff(HandOff calldata signed) external;

    /// @notice Many hand-offs; each stands alone (G2).
    function handOffBatch(HandOff[] calldata batch) external;

    /// @notice C4: delivery to the recipient or back to the sender, signed by the key that acceptance named.
    function deliver(SignedDelivery calldata signed) external;

    /// @notice Many deliveries; each stands alone (G2).
    function deliverBatch(SignedDelivery[] calldata batch) external;

    /// @notice C4: the holder ends its custody alone, with a mode.
    function end(SignedEnd calldata signed) external;

    /// @notice Many ends; each stands alone (G2).
    function endBatch(SignedEnd[] calldata batch) external;

    /// @notice C11: a custodian records that it holds an item that the chain places elsewhere or has ended.
    function takeUp(SignedTakeUp calldata signed) external;

    /// @notice Many take-ups; each stands alone (G2).
    function takeUpBatch(SignedTakeUp[] calldata batch) external;

    /// @notice C3: the holder voids what it has signed for the item and is not recorded.
    function recall(SignedRecall calldata signed) external;

    /// @notice Many recalls; each stands alone (G2).
    function recallBatch(SignedRecall[] calldata batch) external;

    /// @notice C8: an observation by any active custodian, or by the recipient whose key acceptance named.
    function report(SignedReport calldata signed) external;

    /// @notice Many reports; each stands alone (G2).
    function reportBatch(SignedReport[] calldata batch) external;

    // ------------------------------------------------------------------------------------------------------- views

    /// @notice The item, all zero if it is unknown.
    function itemOf(bytes32 item) external view returns (Item memory);

    /// @notice The head of an item's trail, 0 if it is unknown (C6).
    function headOf(bytes32 item) external view returns (bytes32);

    /// @notice The heads of many items.
    function headsOf(bytes32[] calldata list) external view returns (bytes32[] memory);

    /// @notice The custodian that holds an item, 0 if none does.
    function custodianOf(bytes32 item) external view returns (uint40);

    /// @notice The hidden delivery keys that acceptance named, or 0 (C1).
    function keysOf(bytes32 item) external view returns (bytes32);

    /// @notice The block in which a take-up or report was recorded, or 0.
    function recordedAt(bytes32 digest) external view returns (uint256 blockNumber);
}
