// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice How a signature by a key is checked. The stored kind alone decides, never code at an address (N3).
/// @dev The key of a P-256 right or a passkey is the lower 160 bits of keccak256(abi.encode(qx, qy, rpIdHash)), with
/// rpIdHash 0 for P-256: its signatures bring the public key along.
enum KeyKind {
    None,
    Secp256k1,
    P256,
    Passkey
}

/// @notice The right of a key to sign for a custodian at times `from` <= time < `until` (N3). One slot.
/// @dev `suspended` belongs to the custodian and is kept in its newest right only. A right of a compromised key is
/// empty: `until` equals `from`.
struct SigningRight {
    address key;
    KeyKind kind;
    bool suspended;
    uint40 from;
    uint40 until;
}

/// @notice A post, carrier or customs authority.
struct Operator {
    address admin;
    bool suspended;
    address offeredAdmin;
    string name;
}

/// @notice Who can hold an item (N2). `kind` is a code of the published list. `place` is an IMPC code for an office of
/// exchange, else the operator's own code, as ASCII filled with zeros. `keyHolder`: 1 the device, 2 the operator.
struct Custodian {
    uint16 kind;
    bytes12 place;
    uint8 keyHolder;
}

/// @notice A key that signs the public codes of stamps. `revokedBlock` is 0 while it is good (S8).
struct StampSigner {
    uint48 addedBlock;
    uint48 revokedBlock;
}

/// @title PostalNetwork: who may act
/// @notice The governor admits and suspends operators. The admin of an operator enrols, suspends and re-keys its own
/// custodians, names the submitters that send the operator's transactions, and the signers of its stamps' codes.
///
/// Numbers: operator uint16 from 1. Custodian uint40 = operator << 24 | serial, serial from 1. Times are uint40
/// seconds. What suspension stops is judged at the block of a record (N4); it touches nothing recorded before.
///
/// @dev There is no owner override: the governor cannot act for an operator, nor replace its admin. Where an operator
/// has lost its admin's key it is admitted again under a new number, and its items are freed by take-up (C11).
interface IPostalNetwork {
    // ------------------------------------------------------------------------------------------------ governor (N1)

    /// @notice Somebody else than the governor called.
    error NotGovernor(address account);
    /// @notice Somebody else than the governor on offer called, or there is no offer.
    error NotOfferedGovernor(address account);
    /// @notice The governor's role can be taken over from `acceptableFrom` on.
    error TooEarlyToAccept(uint40 acceptableFrom);
    /// @notice A governor, admin or key must not be the zero address.
    error ZeroAddress();
    /// @notice Operator numbers start at 1 and a name is not empty.
    error InvalidOperator(uint16 operator);
    /// @notice The number has been given before. Numbers are never given twice.
    error OperatorExists(uint16 operator);
    /// @notice No operator has this number.
    error UnknownOperator(uint16 operator);

    /// @notice The governor's role is offered; `governor` 0 withdraws an offer.
    event GovernorOffered(address indexed governor, uint40 acceptableFrom);
    /// @notice Promise NE1: from this event on `governor` alone admits and suspends operators.
    event GovernorChanged(address indexed governor);
    /// @notice Promise NE2: once for each operator, before any other event that names it.
    event OperatorAdmitted(uint16 indexed operator, address indexed admin, string name);
    /// @notice Promise NE3: from this block on no new record of the operator is taken, until {OperatorReinstated}.
    event OperatorSuspended(uint16 indexed operator);
    /// @notice See NE3.
    event OperatorReinstated(uint16 indexed operator);

    /// @notice Offers the governor's role to `next`, who may accept 2 days later. 0 withdraws the offer.
    function offerGovernor(address next) external;

    /// @notice Takes over the governor's role. Called by the one it was offered to, after the delay.
    function acceptGovernor() external;

    /// @notice Admits an operator under a number of the governor's choice. `name` is published for ever.
    function admitOperator(uint16 number, address admin, string calldata name) external;

    /// @notice Stops new records of an operator. Suspending all operators is the network's pause.
    function suspendOperator(uint16 number) external;

    /// @notice Ends the suspension of an operator.
    function reinstateOperator(uint16 number) external;

    // --------------------------------------------------------------------------------------- operator's admin (N1)

    /// @notice Somebody else than the operator's admin called.
    error NotAdmin(uint16 operator, address account);
    /// @notice Somebody else than the admin on offer called, or there is no offer.
    error NotOfferedAdmin(uint16 operator, address account);
    /// @notice S8: a stamp signer is added once; one that was revoked never comes back.
    error StampSignerExists(uint16 operator, address signer);
    /// @notice The operator has no such signer, or it is revoked.
    error UnknownStampSigner(uint16 operator, address signer);

    /// @notice The admin's role is offered; `admin` 0 withdraws an offer.
    event AdminOffered(uint16 indexed operator, address indexed admin);
    /// @notice Promise NE4: from this event on `admin` alone administers the operator.
    event AdminChanged(uint16 indexed operator, address indexed admin);
    /// @notice Promise NE5: from this event to {SubmitterRemoved} `submitter` may send the operator's transactions.
    event SubmitterAdded(uint16 indexed operator, address indexed submitter);
    /// @notice See NE5.
    event SubmitterRemoved(uint16 indexed operator, address indexed submitter);
    /// @notice Promise NE6: once for each operator and signer.
    event StampSignerAdded(uint16 indexed operator, address indexed signer);
    /// @notice Promise NE7: a code by `signer` is good only if the stamp was issued before this event (S8). Final.
    event StampSignerRevoked(uint16 indexed operator, address indexed signer);

    /// @notice Offers the admin's role of an operator to `next`. 0 withdraws the offer.
    function offerAdmin(uint16 number, address next) external;

    /// @notice Takes over the admin's role. Called by the one it was offered to.
    function acceptAdmin(uint16 number) external;

    /// @notice Lets `submitter` send the operator's transactions. Naming one again changes nothing.
    function addSubmitter(uint16 number, address submitter) external;

    /// @notice Takes that back. Removing a stranger changes nothing.
    function removeSubmitter(uint16 number, address submitter) external;

    /// @notice Names a key that signs the public codes of the operator's stamps.
    function addStampSigner(uint16 number, address signer) external;

    /// @notice Revokes a stamp signer from this block on, for ever (S8).
    function revokeStampSigner(uint16 number, address signer) external;

    // ------------------------------------------------------------------------------------- custodians (N2, N3, N4)

    /// @notice The number has no serial, or its operator does not exist.
    error InvalidCustodian(uint40 custodian);
    /// @notice The number has been enrolled before. Numbers are never given twice.
    error CustodianExists(uint40 custodian);
    /// @notice No custodian has this number.
    error UnknownCustodian(uint40 custodian);
    /// @notice N4: the custodian is suspended at this block.
    error CustodianIsSuspended(uint40 custodian);
    /// @notice N4: the operator is suspended at this block.
    error OperatorIsSuspended(uint16 operator);
    /// @notice N3: no key has the right to sign for the custodian at this event time: not yet, lapsed, or compromised.
    error NoRight(uint40 custodian, uint40 time);
    /// @notice The address may not send transactions for the operator.
    error NotSubmitter(uint16 operator, address account);
    /// @notice Keys of this kind cannot be granted in this network.
    error UnsupportedKeyKind(KeyKind kind);
    /// @notice The key holder is 1 (device) or 2 (operator).
    error InvalidKeyHolder(uint8 keyHolder);
    /// @notice A right must end after it begins.
    error EmptyRight(uint40 from, uint40 until);
    /// @notice Within an operator a key serves one custodian.
    error KeyInUse(address key, uint40 custodian);
    /// @notice The key was compromised: it is never granted again by this operator.
    error KeyIsCompromised(address key);
    /// @notice The key never served this custodian.
    error UnknownKey(uint40 custodian, address key);

    /// @notice Promise NE8: once for each custodian, followed by its first {RightGranted} in the same transaction.
    event CustodianEnrolled(uint40 indexed custodian, uint16 kind, bytes12 place);
    /// @notice Promise NE9: `key` may sign for the custodian at times `from` <= time < `until`; the right before it
    /// ends at `from` if it did not end earlier, and never begins if it was to begin later. Rights of a custodian never
    /// overlap, and `from` is never before the block. Rotation, renewal and a changed validity are all told by this event.
    event RightGranted(
        uint40 indexed custodian, address indexed key, KeyKind kind, uint8 keyHolder, uint40 from, uint40 until
    );
    /// @notice Promise NE10: after this event nothing signed with `key` for the custodian is recorded, whatever its
    /// event time; what was recorded before stays.
    event KeyCompromised(uint40 indexed custodian, address indexed key);
    /// @notice Promise NE11: from this event to {CustodianReinstated} no new record of the custodian is taken.
    event CustodianSuspended(uint40 indexed custodian);
    /// @notice See NE11.
    event CustodianReinstated(uint40 indexed custodian);

    /// @notice What a right is asked for: `from` 0 or in the past means from this block on; `until` type(uint40).max
    /// means without end. `keyHolder` as in {Custodian}.
    struct RightRequest {
        address key;
        KeyKind kind;
        uint8 keyHolder;
        uint40 from;
        uint40 until;
    }

    /// @notice Enrols a custodian with its first signing right.
    function enrol(uint40 number, uint16 kind, bytes12 place, RightRequest calldata right) external;

    /// @notice Grants the next right: a new key (rotation), or the same key with another validity. The right before it
    /// ends where this one begins and stays on chain for earlier event times.
    function grantRight(uint40 number, RightRequest calldata right) external;

    /// @notice Marks a key as compromised. All rights of the custodian with this key become empty, for ever.
    /// @dev Warning: what was signed honestly and not yet recorded is lost as well; it goes by take-up (C11). Costs
    /// about 3,000 gas for each right that the custodian ever had: after some thousand rights give it a new number, and
    /// to stop it suspend it.
    function compromise(uint40 number, address key) external;

    /// @notice Stops new records of a custodian.
    function suspendCustodian(uint40 number) external;

    /// @notice Ends the suspension of a custodian.
    function reinstateCustodian(uint40 number) external;

    // ------------------------------------------------------------------------------------------------------- views

    /// @notice Who admits and suspends operators.
    function governor() external view returns (address);

    /// @notice Whom the governor's role is offered to, or 0.
    function offeredGovernor() external view returns (address);

    /// @notice The time from which the offered role can be taken over.
    function governorAcceptableFrom() external view returns (uint40);

    /// @notice The operator with this number; `admin` is 0 if there is none.
    function operator(uint16 number) external view returns (Operator memory);

    /// @notice The custodian with this number; all zero if there is none.
    function custodian(uint40 number) external view returns (Custodian memory);

    /// @notice The newest right of a custodian, which may lie in the future, be over, or be empty.
    function latestRight(uint40 number) external view returns (SigningRight memory);

    /// @notice The right that covers an event time; all zero if there is none. Asks neither suspension nor operator.
    function rightAt(uint40 number, uint40 time) external view returns (SigningRight memory);

    /// @notice What the other contracts ask: the key that may sign for a custodian at an event time, judged at this
    /// block.
    /// @return key the key, or 0 where `reason` says why not
    /// @return kind how its signatures are checked
    /// @return reason empty, or {UnknownCustodian}, {OperatorIsSuspended}, {CustodianIsSuspended} or {NoRight}, encoded
    function keyAt(uint40 number, uint40 time) external view returns (address key, KeyKind kind, bytes memory reason);

    /// @notice What the other contracts ask: whether `signature` over `digest` is by the key that may sign for a custodian
    /// at an event time, judged at this block.
    /// @return reason empty, a reason of {keyAt}, or {IRecords-SignatureLength} or {IRecords-WrongSignature}, encoded
    function checkSigned(uint40 number, uint40 time, bytes32 digest, bytes calldata signature)
        external
        view
        returns (bytes memory reason);

    /// @notice The same without asking whether custodian or operator are suspended now: was it signed rightly?
    /// @return reason empty, {NoRight}, or {IRecords-SignatureLength} or {IRecords-WrongSignature}, encoded
    function checkRight(uint40 number, uint40 time, bytes32 digest, bytes calldata signature)
        external
        view
        returns (bytes memory reason);

    /// @notice True if `account` was named as submitter of the operator. Asks no suspension.
    function isSubmitter(uint16 number, address account) external view returns (bool);

    /// @notice What the other contracts ask: whether `account` may now send for the operator, as its submitter or
    /// admin.
    /// @return reason empty, or {UnknownOperator}, {OperatorIsSuspended} or {NotSubmitter}, encoded
    function maySend(uint16 number, address account) external view returns (bytes memory reason);

    /// @notice The blocks in which a stamp signer was added and revoked; `addedBlock` is 0 if it never was.
    function stampSigner(uint16 number, address signer) external view returns (StampSigner memory);
}
