// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Custodian, IPostalNetwork, KeyKind, Operator, SigningRight, StampSigner} from "./interfaces/IPostalNetwork.sol";
import {Signatures} from "./libraries/Signatures.sol";

/// @title PostalNetwork: who may act
/// @dev Safety, for casts of times and blocks: 40 bits hold seconds for 34,000 years, 48 bits blocks for longer.
contract PostalNetwork is IPostalNetwork {
    uint40 private constant HAND_OVER_DELAY = 2 days;
    uint8 private constant HELD_BY_OPERATOR = 2;
    /// @dev Stands where a key's custodian would stand, so that the key is never granted again.
    uint40 private constant COMPROMISED = type(uint40).max;

    /// @inheritdoc IPostalNetwork
    address public governor;
    /// @inheritdoc IPostalNetwork
    uint40 public governorAcceptableFrom;
    /// @inheritdoc IPostalNetwork
    address public offeredGovernor;

    /// @inheritdoc IPostalNetwork
    mapping(uint16 number => mapping(address account => bool)) public isSubmitter;

    mapping(uint16 number => Operator) private _operators;
    mapping(uint16 number => mapping(address signer => StampSigner)) private _stampSigners;
    mapping(uint16 number => mapping(address key => uint40 custodian)) private _servedBy;
    mapping(uint40 number => Custodian) private _custodians;
    mapping(uint40 number => SigningRight) private _latest;
    mapping(uint40 number => SigningRight[]) private _past;

    modifier onlyGovernor() {
        if (msg.sender != governor) revert NotGovernor(msg.sender);
        _;
    }

    modifier onlyAdmin(uint16 number) {
        if (msg.sender != _operators[number].admin) revert NotAdmin(number, msg.sender);
        _;
    }

    constructor(address firstGovernor) {
        _setGovernor(firstGovernor);
    }

    // ------------------------------------------------------------------------------------------------ governor (N1)

    /// @inheritdoc IPostalNetwork
    function offerGovernor(address next) external onlyGovernor {
        // 0 withdraws the offer; nobody can accept as 0.
        // slither-disable-next-line missing-zero-check
        offeredGovernor = next;
        governorAcceptableFrom = uint40(block.timestamp) + HAND_OVER_DELAY;
        emit GovernorOffered(next, governorAcceptableFrom);
    }

    /// @inheritdoc IPostalNetwork
    function acceptGovernor() external {
        if (msg.sender != offeredGovernor) revert NotOfferedGovernor(msg.sender);
        if (block.timestamp < governorAcceptableFrom) revert TooEarlyToAccept(governorAcceptableFrom);
        delete offeredGovernor;
        delete governorAcceptableFrom;
        _setGovernor(msg.sender);
    }

    function _setGovernor(address next) private {
        if (next == address(0)) revert ZeroAddress();
        governor = next;
        emit GovernorChanged(next);
    }

    /// @inheritdoc IPostalNetwork
    function admitOperator(uint16 number, address admin, string calldata name) external onlyGovernor {
        if (number == 0 || bytes(name).length == 0) revert InvalidOperator(number);
        if (admin == address(0)) revert ZeroAddress();
        if (_exists(number)) revert OperatorExists(number);
        _operators[number].admin = admin;
        _operators[number].name = name;
        emit OperatorAdmitted(number, admin, name);
    }

    /// @inheritdoc IPostalNetwork
    function suspendOperator(uint16 number) external onlyGovernor {
        if (!_exists(number)) revert UnknownOperator(number);
        _operators[number].suspended = true;
        emit OperatorSuspended(number);
    }

    /// @inheritdoc IPostalNetwork
    function reinstateOperator(uint16 number) external onlyGovernor {
        if (!_exists(number)) revert UnknownOperator(number);
        _operators[number].suspended = false;
        emit OperatorReinstated(number);
    }

    function _exists(uint16 number) private view returns (bool) {
        return _operators[number].admin != address(0);
    }

    // ---------------------------------------------------------------------------------------- operator's admin (N1)
    // None of these asks whether the operator is suspended: they record nothing (N4), and a suspended operator must be
    // able to mark a stolen key.

    /// @inheritdoc IPostalNetwork
    function offerAdmin(uint16 number, address next) external onlyAdmin(number) {
        _operators[number].offeredAdmin = next;
        emit AdminOffered(number, next);
    }

    /// @inheritdoc IPostalNetwork
    function acceptAdmin(uint16 number) external {
        Operator storage its = _operators[number];
        if (msg.sender != its.offeredAdmin) revert NotOfferedAdmin(number, msg.sender);
        its.admin = msg.sender;
        delete its.offeredAdmin;
        emit AdminChanged(number, msg.sender);
    }

    /// @inheritdoc IPostalNetwork
    function addSubmitter(uint16 number, address submitter) external onlyAdmin(number) {
        isSubmitter[number][submitter] = true;
        emit SubmitterAdded(number, submitter);
    }

    /// @inheritdoc IPostalNetwork
    function removeSubmitter(uint16 number, address submitter) external onlyAdmin(number) {
        isSubmitter[number][submitter] = false;
        emit SubmitterRemoved(number, submitter);
    }

    /// @inheritdoc IPostalNetwork
    function addStampSigner(uint16 number, address signer) external onlyAdmin(number) {
        if (signer == address(0)) revert ZeroAddress();
        StampSigner storage its = _stampSigners[number][signer];
        if (its.addedBlock != 0) revert StampSignerExists(number, signer);
        its.addedBlock = uint48(block.number);
        emit StampSignerAdded(number, signer);
    }

    /// @inheritdoc IPostalNetwork
    function revokeStampSigner(uint16 number, address signer) external onlyAdmin(number) {
        StampSigner storage its = _stampSigners[number][signer];
        if (its.addedBlock == 0 || its.revokedBlock != 0) revert UnknownStampSigner(number, signer);
        its.revokedBlock = uint48(block.number);
        emit StampSignerRevoked(number, signer);
    }

    // -------------------------------------------------------------------------------------- custodians (N2, N3, N4)

    /// @inheritdoc IPostalNetwork
    function enrol(uint40 number, uint16 kind, bytes12 place, RightRequest calldata right)
        external
        onlyAdmin(_operatorOf(number))
    {
        if (uint24(number) == 0) revert InvalidCustodian(number);
        if (_isEnrolled(number)) revert CustodianExists(number);
        _custodians[number].kind = kind;
        _custodians[number].place = place;
        emit CustodianEnrolled(number, kind, place);
        _grant(number, right);
    }

    /// @inheritdoc IPostalNetwork
    function grantRight(uint40 number, RightRequest calldata right) external onlyAdmin(_operatorOf(number)) {
        if (!_isEnrolled(number)) revert UnknownCustodian(number);
        _grant(number, right);
    }

    function _grant(uint40 number, RightRequest calldata asked) private {
        _checkKey(number, asked);
        SigningRight memory last = _latest[number];
        // N3: never before the block.
        uint40 from = _later(asked.from, uint40(block.timestamp));
        if (asked.until <= from) revert EmptyRight(from, asked.until);
        // One that had not begun never will: nothing was signed by it, and rights stay in order of `from`.
        if (last.from > from) {
            _dropUnbegun(_past[number], from);
        } else if (last.key != address(0)) {
            if (last.until > from) last.until = from;
            _past[number].push(last);
        }
        _latest[number] = SigningRight(asked.key, asked.kind, last.suspended, from, asked.until);
        _custodians[number].keyHolder = asked.keyHolder;
        _servedBy[_operatorOf(number)][asked.key] = number;
        emit RightGranted(number, asked.key, asked.kind, asked.keyHolder, from, asked.until);
    }

    /// @dev Of several that were granted for later all but the last lie among the past ones.
    function _dropUnbegun(SigningRight[] storage past, uint40 from) private {
        while (past.length != 0 && past[past.length - 1].from > from) {
            past.pop();
        }
        if (past.length != 0 && past[past.length - 1].until > from) past[past.length - 1].until = from;
    }

    function _checkKey(uint40 number, RightRequest calldata asked) private view {
        if (asked.kind == KeyKind.None) revert UnsupportedKeyKind(asked.kind);
        if (asked.keyHolder == 0 || asked.keyHolder > HELD_BY_OPERATOR) revert InvalidKeyHolder(asked.keyHolder);
        if (asked.key == address(0)) revert ZeroAddress();
        uint40 serves = _servedBy[_operatorOf(number)][asked.key];
        if (serves == COMPROMISED) revert KeyIsCompromised(asked.key);
        if (serves != 0 && serves != number) revert KeyInUse(asked.key, serves);
    }

    /// @inheritdoc IPostalNetwork
    function compromise(uint40 number, address key) external onlyAdmin(_operatorOf(number)) {
        uint16 its = _operatorOf(number);
        uint40 serves = _servedBy[its][key];
        if (serves == COMPROMISED) revert KeyIsCompromised(key);
        if (serves == 0 || serves != number) revert UnknownKey(number, key);
        _servedBy[its][key] = COMPROMISED;
        _emptyIfOf(key, _latest[number]);
        // As many rounds as the custodian had rights: paid by its own admin, bounded by what that admin granted.
        for (uint256 i = 0; i < _past[number].length; ++i) {
            _emptyIfOf(key, _past[number][i]);
        }
        emit KeyCompromised(number, key);
    }

    function _emptyIfOf(address key, SigningRight storage right) private {
        if (right.key == key) right.until = right.from;
    }

    /// @inheritdoc IPostalNetwork
    function suspendCustodian(uint40 number) external onlyAdmin(_operatorOf(number)) {
        if (!_isEnrolled(number)) revert UnknownCustodian(number);
        _latest[number].suspended = true;
        emit CustodianSuspended(number);
    }

    /// @inheritdoc IPostalNetwork
    function reinstateCustodian(uint40 number) external onlyAdmin(_operatorOf(number)) {
        if (!_isEnrolled(number)) revert UnknownCustodian(number);
        _latest[number].suspended = false;
        emit CustodianReinstated(number);
    }

    // ------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IPostalNetwork
    function operator(uint16 number) external view returns (Operator memory) {
        return _operators[number];
    }

    /// @inheritdoc IPostalNetwork
    function custodian(uint40 number) external view returns (Custodian memory) {
        return _custodians[number];
    }

    /// @inheritdoc IPostalNetwork
    function latestRight(uint40 number) external view returns (SigningRight memory) {
        return _latest[number];
    }

    /// @inheritdoc IPostalNetwork
    function rightAt(uint40 number, uint40 time) public view returns (SigningRight memory right) {
        SigningRight storage begun = _begunBy(number, time);
        if (_covers(begun, time)) right = begun;
    }

    /// @inheritdoc IPostalNetwork
    function keyAt(uint40 number, uint40 time) public view returns (address key, KeyKind kind, bytes memory reason) {
        SigningRight storage right = _latest[number];
        uint16 its = _operatorOf(number);
        if (right.key == address(0)) {
            reason = abi.encodeWithSelector(UnknownCustodian.selector, number);
        } else if (_operators[its].suspended) {
            reason = abi.encodeWithSelector(OperatorIsSuspended.selector, its);
        } else if (right.suspended) {
            reason = abi.encodeWithSelector(CustodianIsSuspended.selector, number);
        } else {
            right = _begunBy(number, time);
            if (_covers(right, time)) return (right.key, right.kind, "");
            reason = abi.encodeWithSelector(NoRight.selector, number, time);
        }
    }

    /// @inheritdoc IPostalNetwork
    function checkSigned(uint40 number, uint40 time, bytes32 digest, bytes calldata signature)
        external
        view
        returns (bytes memory reason)
    {
        address key;
        KeyKind kind;
        (key, kind, reason) = keyAt(number, time);
        if (reason.length == 0) reason = Signatures.check(kind, key, digest, signature);
    }

    /// @inheritdoc IPostalNetwork
    function checkRight(uint40 number, uint40 time, bytes32 digest, bytes calldata signature)
        external
        view
        returns (bytes memory reason)
    {
        SigningRight memory right = rightAt(number, time);
        if (right.key == address(0)) return abi.encodeWithSelector(NoRight.selector, number, time);
        return Signatures.check(right.kind, right.key, digest, signature);
    }

    /// @inheritdoc IPostalNetwork
    function maySend(uint16 number, address account) external view returns (bytes memory reason) {
        Operator storage its = _operators[number];
        if (its.admin == address(0)) return abi.encodeWithSelector(UnknownOperator.selector, number);
        if (its.suspended) return abi.encodeWithSelector(OperatorIsSuspended.selector, number);
        if (account == its.admin || isSubmitter[number][account]) return "";
        return abi.encodeWithSelector(NotSubmitter.selector, number, account);
    }

    /// @inheritdoc IPostalNetwork
    function stampSigner(uint16 number, address signer) external view returns (StampSigner memory) {
        return _stampSigners[number][signer];
    }

    /// @dev The last right that began at or before `time`, or, if none did, the latest. Rights are in order of `from` and
    /// do not overlap, so no other can cover `time`.
    function _begunBy(uint40 number, uint40 time) private view returns (SigningRight storage begun) {
        begun = _latest[number];
        if (begun.from <= time) return begun;
        SigningRight[] storage past = _past[number];
        uint256 low = 0;
        uint256 high = past.length;
        while (low < high) {
            uint256 middle = (low + high) / 2;
            if (past[middle].from <= time) low = middle + 1;
            else high = middle;
        }
        if (low != 0) begun = past[low - 1];
    }

    function _covers(SigningRight storage right, uint40 time) private view returns (bool) {
        return right.from <= time && time < right.until;
    }

    function _isEnrolled(uint40 number) private view returns (bool) {
        return _latest[number].key != address(0);
    }

    /// @dev Safety: the upper 16 of 40 bits fit.
    function _operatorOf(uint40 number) private pure returns (uint16) {
        return uint16(number >> 24);
    }

    function _later(uint40 a, uint40 b) private pure returns (uint40) {
        return a > b ? a : b;
    }
}
