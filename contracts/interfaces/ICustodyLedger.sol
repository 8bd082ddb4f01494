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

/// @notice EIP-712: ForcedRelease(uint40 giver,uint40 receiver,uint40 time,uint16 reason,Line[] lines)Line(...)
/// @dev Stands in the place of a {Release} that the giver cannot sign (C9). Not signed: its sender speaks.
struct ForcedRelease {
    uint40 giver;
    uint40 receiver;
    uint40 time;
    uint16 reason;
    Line[] lines;
}

/// @notice EIP-712: Packing(bytes32 receptacle,uint32 number,uint40 custodian,uint40 time,bytes32[] items)
/// @param receptacle an item that takes contents from now on, or has taken some
/// @param number its custody number, which each packing raises
struct Packing {
    bytes32 receptacle;
    uint32 number;
    uint40 custodian;
    uint40 time;
    bytes32[] items;
}

/// @notice EIP-712: Closing(bytes32 receptacle,uint32 number,uint40 custodian,uint40 time,uint32 count,
/// bytes32 contents,bytes32 evidence)
/// @param count of what was really packed
/// @param contents hash of what was really packed, in its order: contents' = keccak256(abi.encode(contents, item)), from 0
/// @param evidence root of documents, the seal's number and kind among them
struct Closing {
    bytes32 receptacle;
    uint32 number;
    uint40 custodian;
    uint40 time;
    uint32 count;
    bytes32 contents;
    bytes32 evidence;
}

/// @notice EIP-712: Opening(bytes32 receptacle,uint32 number,uint40 custodian,uint40 time,bytes32[] missing,
/// uint256[] found,bytes32 evidence)
/// @param missing items that should have been there
/// @param found a bitmap in the order of packing of what was seen; what is neither found nor missing was inferred
/// @param evidence root of documents, what became of the seal among them
struct Opening {
    bytes32 receptacle;
    uint32 number;
    uint40 custodian;
    uint40 time;
    bytes32[] missing;
    uint256[] found;
    bytes32 evidence;
}

/// @notice What the chain keeps of a receptacle's one journey.
/// @param item the receptacle as an item
/// @param contents hash of what was really packed, see {Closing}
/// @param headAtOpening the receptacle's head after its opening, 0 before: a stay in its contents' trails
/// @param count how many items were really packed
/// @param closedBy who closed it last, and answers for what is missing
/// @param openedBy who opened it, and holds what is not missing
struct Receptacle {
    bytes32 item;
    bytes32 contents;
    bytes32 headAtOpening;
    uint32 count;
    uint40 closedBy;
    uint40 openedBy;
    uint40 openedAt;
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

    /// @notice `receipt.release` must be the digest of `release`.
    struct ForcedHandOff {
        ForcedRelease release;
        Receipt receipt;
        bytes receiverSignature;
    }

    struct SignedPacking {
        Packing packing;
        bytes signature;
    }

    struct SignedClosing {
        Closing closing;
        bytes signature;
    }

    struct SignedOpening {
        Opening opening;
        bytes signature;
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

    /// @notice C7: the item is an open receptacle with contents, which moves closed only; or it was to lie in itself.
    error NotClosed(bytes32 item);
    /// @notice C7: the receptacle is closed: it takes nothing more.
    error IsClosed(bytes32 receptacle);
    /// @notice C7: the receptacle has been opened: its one journey is over.
    error WasOpened(bytes32 receptacle);
    /// @notice C7: custody of a receptacle does not end while it has contents.
    error HasContents(bytes32 item);
    /// @notice C7: nothing to pack, more than 5,000 items, or a missing list or bitmap that does not fit `count` items.
    error ContentCount(bytes32 receptacle, uint256 count);
    /// @notice C7: what was really packed is not what was signed.
    error OtherContents(bytes32 receptacle, uint32 count, bytes32 contents);
    /// @notice C7: receptacles lie in one another at most four deep.
    error TooDeep(bytes32 item);
    /// @notice C7: the item does not lie in this receptacle.
    error NotIn(bytes32 item, uint48 receptacle);
    /// @notice C9: the giver can sign for itself.
    error GiverCanSign(uint40 giver);
    /// @notice C10: the two hand-offs are not by two releases of one giver, of one item and custody number, both
    /// received, one within the other's time. `first` and `second` are the releases' digests, or those of a release and
    /// of the receipt that did not receive the line.
    error NoEquivocation(bytes32 first, bytes32 second);

    // ------------------------------------------------------------------------------------------------------ events
    //
    // Promises to who reads the logs:
    // CE1  Every record of an item's trail is exactly one event with the item as first topic, in the order of the
    //      record number, without gaps: Accepted, ItemHandedOff, Stayed, ItemMissing, Packed, Closed, Opened,
    //      Delivered, Ended, TakenUp, Recalled, Reported.
    // CE2  `record` is the item's record number after it; `number` the custody number after it. Reported has no
    //      `number`: a report never changes it (C3).
    // CE3  The struct in an event is the struct that was signed: with the domain and the signatures in the same event
    //      the digest and its signers can be checked from the log alone. `digest` is that digest.
    // CE4  ItemHandedOff events are followed, in the same transaction, by the HandedOff or HandOffForced event with
    //      their digest, which carries the times, deadline, line hashes, findings and signatures.
    // CE5  A HandedOff event with the same digest may come again later, with lines that were refused before; a line
    //      comes once.
    // CE6  LineRefused tells of a received line that was not recorded; it stays with whom the chain says. If all
    //      received lines are refused, so is the hand-off: LineRefused events are then followed by Refused and by no
    //      HandedOff.
    // CE7  Replaying the events of an item, with the Packed and Opened events of the receptacles that it lay in, gives
    //      its {Item} and its head, but for the block.
    // CE8  Franked events of {ICryptoStamp} for the stamps of an acceptance come before its Accepted, in the same
    //      transaction.

    // CE9  What a Packed event packs are its items less those of the LineRefused events with its digest, in the order of
    //      the list. Until a receptacle is opened its contents have no record but reports and take-ups.
    // CE10 A stay is written by the item's first record after the opening: Stayed comes right before that record's
    //      event, in the same transaction; its digest is the receptacle's head after the Opened event. Of an item that
    //      is missing ItemMissing comes before Opened, and no Stayed.

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

    /// @notice C3, CE6. `reason` is {UnknownItem}, {CustodyEnded}, {NotHolder}, {StaleNumber}, {TimeBeforeLatest},
    /// {NotClosed}, {TooDeep} or {NotIn}, encoded.
    event LineRefused(bytes32 indexed digest, uint256 indexed line, bytes reason);

    /// @notice C9: a hand-off for which a submitter of the giver's operator, or the governor, stood in: `by`.
    event HandOffForced(
        bytes32 indexed digest,
        uint40 indexed giver,
        uint40 indexed receiver,
        uint40 released,
        uint16 reason,
        address by,
        bytes32[] lines,
        Receipt receipt,
        bytes receiverSignature
    );

    /// @notice C10: evidence that `giver` signed the item away twice. It changes no state.
    event Equivocated(
        bytes32 indexed item, uint40 indexed giver, uint32 number, HandOff first, HandOff second
    );

    /// @notice C7: `items` less the refused ones lie in the receptacle, whose own number is `receptacle`.
    event Packed(
        bytes32 indexed item,
        bytes32 indexed digest,
        uint40 indexed custodian,
        uint32 record,
        uint32 number,
        uint48 receptacle,
        Packing packing,
        bytes signature
    );

    /// @notice C7: sealed, and ready to be handed over.
    event Closed(
        bytes32 indexed item,
        bytes32 indexed digest,
        uint40 indexed custodian,
        uint32 record,
        uint32 number,
        Closing closing,
        bytes signature
    );

    /// @notice C7: `custodian` holds what was found or inferred.
    event Opened(
        bytes32 indexed item,
        bytes32 indexed digest,
        uint40 indexed custodian,
        uint32 record,
        uint32 number,
        Opening opening,
        bytes signature
    );

    /// @notice C7, CE10: the item's stay in a receptacle, written now; `custodian` opened it.
    event Stayed(
        bytes32 indexed item,
        bytes32 indexed digest,
        uint40 indexed custodian,
        uint32 record,
        uint32 number,
        uint48 receptacle
    );

    /// @notice C7: missing at the opening whose digest this is; `custodian`, who closed the receptacle, holds it again.
    event ItemMissing(
        bytes32 indexed item,
        bytes32 indexed digest,
        uint40 indexed custodian,
        uint256 line,
        uint32 record,
        uint32 number,
        uint48 receptacle
    );

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

    /// @notice C9: a hand-off whose giver cannot sign: suspended, without a right, or its key compromised. Sent by a
    /// submitter or the admin of the giver's operator; by the governor where that operator is suspended.
    function forceHandOff(ForcedHandOff calldata signed) external;

    /// @notice C10: two releases of one item and custody number, both received; once for a pair of them. `firstLine` and
    /// `secondLine` are the item's lines.
    function proveEquivocation(
        HandOff calldata first,
        uint256 firstLine,
        HandOff calldata second,
        uint256 secondLine
    ) external;

    /// @notice C7: puts items into a receptacle that the custodian holds. Items stand alone; if none counts, the call
    /// reverts with the reason of the first.
    function pack(SignedPacking calldata signed) external;

    /// @notice Many packings; each stands alone (G2).
    function packBatch(SignedPacking[] calldata batch) external;

    /// @notice C7: from now on the receptacle moves, and takes nothing more.
    function close(SignedClosing calldata signed) external;

    /// @notice Many closings; each stands alone (G2).
    function closeBatch(SignedClosing[] calldata batch) external;

    /// @notice C7: the end of the receptacle's journey. Missing items stand alone.
    function open(SignedOpening calldata signed) external;

    /// @notice Many openings; each stands alone (G2).
    function openBatch(SignedOpening[] calldata batch) external;

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

    /// @notice The item, all zero if it is unknown. A stay that is not written yet counts as written (C7).
    function itemOf(bytes32 item) external view returns (Item memory);

    /// @notice The head of an item's trail, 0 if it is unknown (C6).
    function headOf(bytes32 item) external view returns (bytes32);

    /// @notice The heads of many items.
    function headsOf(bytes32[] calldata list) external view returns (bytes32[] memory);

    /// @notice The custodian that holds an item, or the receptacle that it lies in; 0 if none does.
    function custodianOf(bytes32 item) external view returns (uint40);

    /// @notice The receptacle that an item lies in, or whose stay is not written yet; 0 if there is none (C7).
    function lyingIn(bytes32 item) external view returns (uint48 receptacle);

    /// @notice A receptacle by its own number, all zero if there is none (C7).
    function receptacleOf(uint48 number) external view returns (Receptacle memory);

    /// @notice The hidden delivery keys that acceptance named, or 0 (C1).
    function keysOf(bytes32 item) external view returns (bytes32);

    /// @notice The block in which a take-up or report was recorded, or 0.
    function recordedAt(bytes32 digest) external view returns (uint256 blockNumber);
}
