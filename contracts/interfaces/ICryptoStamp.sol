// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRecords} from "./IRecords.sol";

/// @notice What is fixed of an edition when it is created (S1). Three slots.
/// @param metadata hash of the edition's description: artwork, varieties
/// @param claimRoot Merkle root of the claim keys, 0 for an edition without twins
/// @param faceValue in the currency's minor unit, or 0 where `service` is set
/// @param currency ISO 4217, as ASCII, or 0 where `service` is set
/// @param service a code: what the stamp pays for, whatever that costs; or 0
/// @param supply how many stamps; serials are 1 to `supply`
/// @param firstDay from this time on its stamps are valid postage
/// @param withdrawnFrom from this time on they are no longer, or 0. The only field that may change, once
/// @param createdAt the block's time; given as 0
struct Edition {
    bytes32 metadata;
    bytes32 claimRoot;
    uint64 faceValue;
    bytes3 currency;
    uint16 service;
    uint32 supply;
    uint40 firstDay;
    uint40 withdrawnFrom;
    uint40 createdAt;
}

/// @notice S10: claims of the serials `first` to `last` were closed at the time `closedAt`; since the replacement the
/// claim keys in the tree `root` count for them, 0 before. Two slots.
struct Closure {
    uint32 first;
    uint32 last;
    uint40 closedAt;
    bytes32 root;
}

/// @notice A range of serials of an edition, sold at `custodian` (S3). Its digest is the EIP-712 digest of
/// Issue(uint32 edition,uint32 first,uint32 last,uint40 custodian), although nobody signs it.
struct Issue {
    uint32 edition;
    uint32 first;
    uint32 last;
    uint40 custodian;
}

/// @notice A range of serials taken out of use (S5). Its digest is the EIP-712 digest of
/// Void(uint32 edition,uint32 first,uint32 last,uint16 reason), although nobody signs it.
struct Void {
    uint32 edition;
    uint32 first;
    uint32 last;
    uint16 reason;
}

/// @notice EIP-712: Cancel(uint40 custodian,uint40 time,uint16 kind,bytes32 item,uint64[] stamps)
/// @param kind a code: in the mail stream, to order, missed at origin
/// @param item on which the stamps were found, or 0. Checked only where another operator's stamps are cancelled
struct Cancel {
    uint40 custodian;
    uint40 time;
    uint16 kind;
    bytes32 item;
    uint64[] stamps;
}

/// @notice EIP-712: Claim(uint64 stamp,address to,uint40 deadline), signed by the stamp's claim key
struct Claim {
    uint64 stamp;
    address to;
    uint40 deadline;
}

/// @notice EIP-712: Original(uint64 stamp,uint40 deadline), signed by the stamp's claim key
struct Original {
    uint64 stamp;
    uint40 deadline;
}

/// @notice Where the token of a stamp is: it does not exist before the issue, then it is kept by the contract, then it
/// is the collector's.
enum Twin {
    None,
    Sealed,
    Claimed
}

/// @title CryptoStamp: ERC-721
/// @notice Stamps and their twins. Two axes that never touch: use (not issued, issued, used, void) and twin (sealed,
/// claimed). The EIP-712 domain is ("CryptoStamp", "1", chain id, this contract).
///
/// Numbers: edition uint32 = operator << 16 | number, number from 1. Stamp uint64 = edition << 32 | serial, serial from
/// 1; it is the token id.
///
/// A leaf of the claim keys' tree is keccak256(bytes.concat(keccak256(abi.encode(uint256 stamp, address claimKey)))),
/// pairs are hashed in sorted order (OpenZeppelin's standard tree).
///
/// @dev There is no un-use, no burn and no way for an operator to move, approve or take back a twin. An operator may
/// void a stamp whose twin is sealed, which then can never be claimed. `tokenURI` is empty: hosts change, the metadata
/// hash does not. Issue emits ERC-2309's ConsecutiveTransfer(first, last, 0, this contract) after construction, which
/// ERC-721 reserves for construction: one Transfer event for each sealed twin would cost twelve times as much.
interface ICryptoStamp is IRecords {
    struct SignedCancel {
        Cancel cancel;
        bytes signature;
    }

    /// @notice `proof` is the Merkle proof of the leaf.
    struct SignedClaim {
        Claim claim;
        bytes32[] proof;
        bytes signature;
    }

    /// @notice `proof` is the Merkle proof of the leaf.
    struct SignedOriginal {
        Original original;
        bytes32[] proof;
        bytes signature;
    }

    // ------------------------------------------------------------------------------------------------------ errors

    /// @notice Somebody else than the ledger called {frank}.
    error NotLedger(address account);
    /// @notice S2: an edition's number is not 0.
    error InvalidEdition(uint32 edition);
    /// @notice S1: the number has been used.
    error EditionExists(uint32 edition);
    /// @notice No such edition.
    error UnknownEdition(uint32 edition);
    /// @notice S1: an edition has at least one stamp, and either a face value and its currency or a service.
    error InvalidValue(uint32 supply, uint64 faceValue, bytes3 currency, uint16 service);
    /// @notice S1: an edition is withdrawn once.
    error AlreadyWithdrawn(uint32 edition, uint40 withdrawnFrom);
    /// @notice S1: the last day of validity lies at least 90 days ahead; `earliest` is the first time taken.
    error WithdrawalTooEarly(uint40 from, uint40 earliest);
    /// @notice A range has 1 to 65,536 serials of the edition, `first` <= `last`.
    error InvalidRange(uint32 edition, uint32 first, uint32 last);
    /// @notice S3: stamps are sold at a custodian of their own operator.
    error NotOwnCustodian(uint32 edition, uint40 custodian);
    /// @notice S3: `stamp` is the first of the range that has been issued before.
    error AlreadyIssued(uint64 stamp);
    /// @notice The stamp has not been issued: it is no valid postage, and there is no twin to claim.
    error NotIssued(uint64 stamp);
    /// @notice S4: the stamp was used in this block.
    error AlreadyUsed(uint64 stamp, uint256 blockNumber);
    /// @notice S5: the stamp was taken out of use in this block.
    error VoidStamp(uint64 stamp, uint256 blockNumber);
    /// @notice The stamp has not been used.
    error NotUsed(uint64 stamp);
    /// @notice S1: the edition's first day comes later than the event.
    error NotYetValid(uint64 stamp, uint40 firstDay);
    /// @notice S1: the edition was withdrawn from postage before the event.
    error WithdrawnFromPostage(uint64 stamp, uint40 withdrawnFrom);
    /// @notice S4: the stamp is not of the custodian's operator.
    error ForeignStamp(uint64 stamp, uint40 custodian);
    /// @notice S4: the item is not held by the custodian, or was not accepted by the stamp's operator: no stamp can
    /// have been missed there.
    error NotMissedOn(bytes32 item, uint64 stamp);
    /// @notice S4: the stamps of a franking are listed in rising order.
    error StampsNotRising(uint64 before, uint64 stamp);
    /// @notice A cancellation names at least one stamp.
    error NoStamps();
    /// @notice S1: `claimKey`, who signed, is not the claim key of the stamp.
    error NotClaimKey(uint64 stamp, address claimKey);
    /// @notice S6: the twin has been claimed.
    error AlreadyClaimed(uint64 stamp, address owner);
    /// @notice S6: a twin cannot be claimed to nobody or to this contract.
    error InvalidRecipient(address to);
    /// @notice S9: the original has been shown before.
    error AlreadyShown(uint64 stamp);

    /// @notice S10: claims of the stamp's range were closed; it can neither be claimed nor shown as the original.
    error ClaimsAreClosed(uint64 stamp, uint40 closedAt);
    /// @notice S10: ranges do not overlap; claims of `first` to `last` were closed before.
    error ClaimsOverlap(uint32 edition, uint32 first, uint32 last);
    /// @notice S10: claims of an edition are closed at most `most` times.
    error TooManyClosures(uint32 edition, uint256 most);
    /// @notice S10: claims of exactly this range were never closed.
    error ClaimsNotClosed(uint32 edition, uint32 first, uint32 last);
    /// @notice S10: claims stay closed for 30 days; `earliest` is the first time taken.
    error ReplacementTooEarly(uint32 edition, uint32 first, uint32 last, uint40 earliest);
    /// @notice S10: a range gets a new root once.
    error AlreadyReplaced(uint32 edition, uint32 first, uint32 last, bytes32 root);
    /// @notice S1, S10: this cannot be a root: 0 for a range, or the contract's own mark.
    error InvalidClaimRoot(uint32 edition, bytes32 root);

    // ------------------------------------------------------------------------------------------------------ events
    //
    // Promises to who reads the logs:
    // SE1  A stamp is in at most one Issued range, and in at most one of: Franked, StampCancelled, a Voided range. A
    //      stamp that was Franked or StampCancelled was Issued before; a stamp that was Voided before it was Issued
    //      never is.
    // SE2  Each Issued event is followed by ERC-2309's ConsecutiveTransfer of the same range from zero to this
    //      contract.
    // SE3  A Claimed event follows the Transfer of the same stamp from this contract. It comes at most once for a
    //      stamp, and no other Transfer has this contract as sender or receiver.
    // SE4  StampCancelled events are followed, in the same transaction, by the Cancelled event with their digest, which
    //      carries what was signed. Cancelled may come again with the same digest and stamps that were refused before.
    // SE5  StampRefused tells of a stamp of a cancellation that was not cancelled. If all are refused, so is the
    //      cancellation: StampRefused events are then followed by Refused and by no Cancelled.
    // SE6  Franked comes only with an Accepted event of the ledger that lists the stamp (CE8).
    // SE7  The struct in an event is the struct that was signed; `digest` is its EIP-712 digest.
    // SE8  ClaimsClosed comes at most once for a stamp, ClaimRootReplaced at most once for the range of a ClaimsClosed,
    //      at least 30 days later. Between the two no Claimed and no OriginalShown names a stamp of the range.

    /// @notice S1. `terms` are final but for {EditionWithdrawn}.
    event EditionCreated(uint32 indexed edition, Edition terms);

    /// @notice S1: from the time `from` on the edition's stamps are no valid postage. Once.
    event EditionWithdrawn(uint32 indexed edition, uint40 from);

    /// @notice S3: the serials `first` to `last` are sold and valid.
    event Issued(uint32 indexed edition, uint40 indexed custodian, uint32 first, uint32 last);

    /// @notice S5: the serials `first` to `last` are out of use. `by` sent it for the operator.
    event Voided(uint32 indexed edition, uint16 indexed reason, uint32 first, uint32 last, address by);

    /// @notice S10: stamps of the serials `first` to `last` can neither be claimed nor shown. `by` sent it.
    event ClaimsClosed(uint32 indexed edition, uint32 first, uint32 last, uint16 indexed reason, address by);

    /// @notice S10: from now on the claim keys in the tree `root` count for the serials `first` to `last`.
    event ClaimRootReplaced(uint32 indexed edition, uint32 first, uint32 last, bytes32 root, address by);

    /// @notice S4: the stamp was used on an item, as part of its acceptance.
    event Franked(uint64 indexed stamp, bytes32 indexed item, uint40 indexed custodian, uint40 time);

    /// @notice S4: one stamp of a cancellation.
    event StampCancelled(
        uint64 indexed stamp, bytes32 indexed digest, uint40 indexed custodian, uint40 time, uint16 kind
    );

    /// @notice S4: a cancellation of which at least one stamp counts.
    event Cancelled(bytes32 indexed digest, uint40 indexed custodian, Cancel cancel, bytes signature);

    /// @notice S4, SE5. `index` is the stamp's place in the cancellation.
    event StampRefused(bytes32 indexed digest, uint256 indexed index, bytes reason);

    /// @notice S6: the twin is the collector's.
    event Claimed(uint64 indexed stamp, bytes32 indexed digest, Claim claim, address claimKey, bytes signature);

    /// @notice S9: who holds the claim code has shown that theirs is the original of a used stamp.
    event OriginalShown(
        uint64 indexed stamp, bytes32 indexed digest, Original original, address claimKey, bytes signature
    );

    // ---------------------------------------------------------------------------------- editions, sent by the operator

    /// @notice S1, S2: creates an edition under a number of the operator's choice. `terms.withdrawnFrom` and
    /// `terms.createdAt` are ignored.
    function createEdition(uint32 number, Edition calldata terms) external;

    /// @notice S1: withdraws an edition from postage, once, from a time at least 90 days ahead.
    function withdrawEdition(uint32 number, uint40 from) external;

    /// @notice S10: closes the claims of a range, where its claim keys may be known to others: with a `reason`, a code.
    /// Twins that were claimed are not touched, nor is use as postage.
    function closeClaims(uint32 number, uint32 first, uint32 last, uint16 reason) external;

    /// @notice S10: once, 30 days after the closing or later: the tree in which the claim keys of the range's stamps now
    /// stand. Leaves are those of S1; what the tree says of other stamps counts for nothing.
    function replaceClaimRoot(uint32 number, uint32 first, uint32 last, bytes32 root) external;

    /// @notice S3: puts a range of printed and checked stamps on the record as sold. Refused whole.
    function issue(Issue calldata range) external;

    /// @notice Many ranges; each stands alone (G2).
    function issueBatch(Issue[] calldata batch) external;

    /// @notice S5: takes a range out of use, issued or not. Refused whole if a stamp of it is used or void.
    /// @dev Eight stamps share a slot: about 5,000 stamps fit into a transaction of 16 million gas.
    function voidRange(Void calldata range) external;

    /// @notice Many ranges; each stands alone (G2).
    function voidBatch(Void[] calldata batch) external;

    // ------------------------------------------------------------------------------------------------ signed records

    /// @notice S4: uses the stamps of an acceptance, all or none. Called by the ledger alone, which has checked the
    /// custodian's signature. `stamps` rise.
    /// @return reason empty, or the reason why none was used, encoded
    function frank(bytes32 item, uint40 custodian, uint40 time, uint64[] calldata stamps)
        external
        returns (bytes memory reason);

    /// @notice S4: uses stamps without an acceptance: those of the custodian's own operator, or of the operator that
    /// accepted an item which the custodian holds. Stamps stand alone; if none counts, the call reverts with the reason
    /// of the first.
    function cancel(SignedCancel calldata signed) external;

    /// @notice Many cancellations; each stands alone (G2).
    function cancelBatch(SignedCancel[] calldata batch) external;

    /// @notice S6: moves a twin from the contract's keeping to `to`. Issued or used stamps can be claimed, void ones
    /// cannot.
    /// @dev Warning: `to` is not asked whether it can handle tokens: the claim key named it.
    function claim(SignedClaim calldata signed) external;

    /// @notice Many claims; each stands alone (G2), so that one taken stamp blocks no other.
    function claimBatch(SignedClaim[] calldata batch) external;

    /// @notice S9: records, once, that the holder of the claim code has the original of a used stamp. Claims nothing.
    function showOriginal(SignedOriginal calldata signed) external;

    /// @notice Many originals; each stands alone (G2).
    function showOriginalBatch(SignedOriginal[] calldata batch) external;

    // --------------------------------------------------------------------------------------------------------- views

    /// @notice The edition; `supply` is 0 if there is none.
    function edition(uint32 number) external view returns (Edition memory);

    /// @notice S10: the ranges of an edition whose claims were closed, in the order of their closing.
    function closures(uint32 number) external view returns (Closure[] memory);

    /// @notice S1, S10: the root of the tree in which the stamp's claim key stands; `closedAt` is 0 but while its claims
    /// are closed, and then there is none.
    function claimRootOf(uint64 stamp) external view returns (bytes32 root, uint40 closedAt);

    /// @notice True if the stamp was issued, whatever became of it.
    function issued(uint64 stamp) external view returns (bool);

    /// @notice The use axis: the block in which the stamp was used or, if `isVoid`, taken out of use; 0 if neither.
    function useOf(uint64 stamp) external view returns (uint32 blockNumber, bool isVoid);

    /// @notice The twin axis.
    function twinOf(uint64 stamp) external view returns (Twin);

    /// @notice S9: true if the original of the stamp has been shown.
    function originalShown(uint64 stamp) external view returns (bool);
}
