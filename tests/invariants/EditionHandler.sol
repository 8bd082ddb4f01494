// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Closure, Edition, ICryptoStamp} from "../../contracts/interfaces/ICryptoStamp.sol";
import {IPostalNetwork} from "../../contracts/interfaces/IPostalNetwork.sol";
import {Parties} from "./Parties.sol";
import {Sending} from "./Sending.sol";
import {StampTree} from "./StampTree.sol";
import {vm} from "./Vm.sol";

/// @notice What happens to whole editions and to ranges of their claim keys (S1, S10), with its model.
abstract contract EditionHandler is Parties, Sending {
    uint32 public constant SUPPLY = 8;
    uint40 private immutable _begun;

    mapping(uint32 edition => uint40) public withdrawnFrom;
    mapping(uint32 edition => Closure[]) private _closed;
    /// @dev Of the claim keys that an edition began with, and of those that came later.
    mapping(uint16 operator => bytes32[][2]) private _leaves;
    mapping(uint16 operator => bytes32[2]) private _roots;

    constructor() {
        _begun = _now();
        for (uint16 operator = 1; operator <= 2; ++operator) {
            for (uint256 tree = 0; tree < 2; ++tree) {
                _leaves[operator][tree] = StampTree.leaves(_firstOf(operator), SUPPLY, tree);
                _roots[operator][tree] = StampTree.root(_leaves[operator][tree]);
            }
            vm.prank(_submitter(operator));
            stamps.createEdition(_editionOf(operator), _terms(operator));
        }
    }

    function _terms(uint16 operator) private view returns (Edition memory terms) {
        (terms.supply, terms.faceValue, terms.currency) = (SUPPLY, 100, "EUR");
        (terms.firstDay, terms.claimRoot) = (_firstDay(operator), _roots[operator][0]);
    }

    // ----------------------------------------------------------------------------------------------------------- numbers

    function _editionOf(uint16 operator) internal pure returns (uint32) {
        return (uint32(operator) << 16) | 1;
    }

    function _firstOf(uint16 operator) internal pure returns (uint64) {
        return (uint64(_editionOf(operator)) << 32) | 1;
    }

    /// @dev The second edition begins two days after the first.
    function _firstDay(uint16 operator) internal view returns (uint40) {
        return _begun + (operator - 1) * 2 days;
    }

    /// @dev Now and then a serial that does not exist.
    function _stamp(uint256 luck) internal pure returns (uint64) {
        uint64 serial = uint64(luck % 32 == 0 ? (luck >> 8) % 2 * (SUPPLY + 1) : 1 + (luck >> 8) % SUPPLY);
        return _firstOf(uint16(1 + (luck >> 16) % 2)) - 1 + serial;
    }

    function _isThere(uint64 stamp) internal pure returns (bool) {
        return uint32(stamp) >= 1 && uint32(stamp) <= SUPPLY;
    }

    function _luck(uint256 luck, uint256 nth) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(luck, nth)));
    }

    function _range(uint256 luck) internal pure returns (uint16 operator, uint32 first, uint32 last) {
        operator = uint16(1 + (luck >> 8) % 2);
        first = uint32(luck % 16 == 0 ? 0 : 1 + (luck >> 16) % SUPPLY);
        last = uint32(first + (luck >> 24) % 3);
    }

    function _refusesRange(uint16 operator, uint32 first, uint32 last, address sender) internal view returns (bytes4) {
        if (first == 0 || last > SUPPLY) return ICryptoStamp.InvalidRange.selector;
        if (_operatorSuspended[operator]) return IPostalNetwork.OperatorIsSuspended.selector;
        if (sender == STRANGER) return IPostalNetwork.NotSubmitter.selector;
        return 0;
    }

    // ------------------------------------------------------------------------------------------------------- editions (S1)

    /// @dev So many that what was withdrawn is over.
    function monthsPass(uint256 luck) external {
        if (luck % 3 == 0) vm.warp(block.timestamp + 91 days);
    }

    function withdraw(uint256 luck) external {
        if (luck % 4 != 0) return;
        uint16 operator = uint16(1 + (luck >> 8) % 2);
        uint32 number = luck % 32 == 4 ? _editionOf(operator) + 1 : _editionOf(operator);
        uint40 from = _now() + 90 days - (luck % 16 == 0 ? 1 : 0);
        bytes4 refusal = number == _editionOf(operator) ? bytes4(0) : ICryptoStamp.UnknownEdition.selector;
        if (refusal == 0 && _operatorSuspended[operator]) refusal = IPostalNetwork.OperatorIsSuspended.selector;
        if (refusal == 0 && withdrawnFrom[number] != 0) refusal = ICryptoStamp.AlreadyWithdrawn.selector;
        if (refusal == 0 && luck % 16 == 0) refusal = ICryptoStamp.WithdrawalTooEarly.selector;
        bytes memory call = abi.encodeCall(stamps.withdrawEdition, (number, from));
        if (_send(_submitter(operator), address(stamps), 0, call, refusal) && refusal == 0) {
            withdrawnFrom[number] = from;
        }
    }

    /// @dev The two editions are all there are: every further one has something wrong with it.
    function create(uint256 luck) external {
        uint16 operator = uint16(1 + (luck >> 8) % 2);
        Edition memory terms = _terms(operator);
        uint32 number = _editionOf(operator) + uint32(luck % 8);
        address sender = luck % 8 == 1 ? STRANGER : _submitter(operator);
        bytes4 refusal = luck % 8 == 0 ? ICryptoStamp.EditionExists.selector : bytes4(0);
        if (luck % 8 == 2) (number, refusal) = (number & 0xFFFF0000, ICryptoStamp.InvalidEdition.selector);
        if (refusal == 0 && _operatorSuspended[operator]) refusal = IPostalNetwork.OperatorIsSuspended.selector;
        if (refusal == 0 && luck % 8 == 1) refusal = IPostalNetwork.NotSubmitter.selector;
        if (luck % 8 == 3) terms.supply = 0;
        if (luck % 8 == 4) terms.faceValue = 0;
        if (luck % 8 == 5) terms.currency = "";
        if (luck % 8 == 6) terms.service = 1;
        if (luck % 8 == 7) terms.claimRoot = keccak256("posthorn.closures");
        if (refusal == 0) {
            refusal = luck % 8 == 7 ? ICryptoStamp.InvalidClaimRoot.selector : ICryptoStamp.InvalidValue.selector;
        }
        _send(sender, address(stamps), 0, abi.encodeCall(stamps.createEdition, (number, terms)), refusal);
    }

    // ------------------------------------------------------------------------------------------------ closed claims (S10)

    function closeClaims(uint256 luck) external {
        // Rarer than the rest, as voidRange.
        if (luck % 3 != 0) return;
        (uint16 operator, uint32 first, uint32 last) = _range(luck);
        address sender = luck % 16 == 2 ? STRANGER : _submitter(operator);
        bytes4 refusal = _refusesRange(operator, first, last, sender);
        Closure[] storage closed = _closed[_editionOf(operator)];
        for (uint256 i = 0; refusal == 0 && i < closed.length; ++i) {
            if (first <= closed[i].last && closed[i].first <= last) refusal = ICryptoStamp.ClaimsOverlap.selector;
        }
        bytes memory call = abi.encodeCall(stamps.closeClaims, (_editionOf(operator), first, last, 1));
        if (_send(sender, address(stamps), 0, call, refusal) && refusal == 0) {
            closed.push(Closure(first, last, _now(), 0));
        }
    }

    /// @dev Mostly of a range that is closed, if there is any.
    function replaceClaimRoot(uint256 luck) external {
        (uint16 operator, uint32 first, uint32 last) = _range(luck);
        Closure[] storage closed = _closed[_editionOf(operator)];
        if (luck % 8 != 0 && closed.length != 0) {
            Closure storage one = closed[(luck >> 32) % closed.length];
            (first, last) = (one.first, one.last);
        }
        address sender = luck % 16 == 2 ? STRANGER : _submitter(operator);
        bytes32 root = luck % 16 == 3 ? bytes32(0) : _roots[operator][1];
        bytes4 refusal = _refusesRange(operator, first, last, sender);
        if (refusal == 0 && root == 0) refusal = ICryptoStamp.InvalidClaimRoot.selector;
        uint256 place = _placeOf(closed, first);
        if (refusal == 0) refusal = _refusesReplacement(closed, place, last, first);
        bytes memory call = abi.encodeCall(stamps.replaceClaimRoot, (_editionOf(operator), first, last, root));
        if (_send(sender, address(stamps), 0, call, refusal) && refusal == 0) closed[place].root = root;
    }

    function _refusesReplacement(Closure[] storage closed, uint256 place, uint32 last, uint32 first)
        private
        view
        returns (bytes4)
    {
        if (place == closed.length || closed[place].first != first || closed[place].last != last) {
            return ICryptoStamp.ClaimsNotClosed.selector;
        }
        if (closed[place].root != 0) return ICryptoStamp.AlreadyReplaced.selector;
        if (_now() < closed[place].closedAt + 30 days) return ICryptoStamp.ReplacementTooEarly.selector;
        return 0;
    }

    function _placeOf(Closure[] storage closed, uint32 serial) private view returns (uint256 place) {
        while (place < closed.length && (serial < closed[place].first || serial > closed[place].last)) ++place;
    }

    /// @dev The stamp whose key is tried, and of which tree: now and then another's, or one that counts no more or not yet.
    function _claimKey(uint64 stamp, uint256 luck) internal view returns (uint64 keyOf, uint256 tree) {
        keyOf = luck % 8 == 3 ? _stamp(luck >> 8) : stamp;
        (bytes32 root,) = claimRootOf(stamp);
        tree = root == _roots[uint16(stamp >> 48)][1] ? 1 : 0;
        if (luck % 8 == 4) tree = 1 - tree;
    }

    function _refusesClaimKey(uint64 stamp, uint64 keyOf, uint256 tree) internal view returns (bytes4) {
        (bytes32 root, uint40 closedAt) = claimRootOf(stamp);
        if (closedAt != 0) return ICryptoStamp.ClaimsAreClosed.selector;
        bool itsRoot = root == _roots[uint16(stamp >> 48)][tree];
        return keyOf == stamp && itsRoot ? bytes4(0) : ICryptoStamp.NotClaimKey.selector;
    }

    /// @dev Of a serial that does not exist the proof of the first.
    function _proof(uint64 stamp, uint256 tree) internal view returns (bytes32[] memory) {
        uint16 operator = uint16(stamp >> 48);
        return StampTree.proof(_leaves[operator][tree], _isThere(stamp) ? stamp - _firstOf(operator) : 0);
    }

    /// @dev Now and then one that is a byte short.
    function _signClaim(uint64 keyOf, uint256 tree, bytes32 digest, uint256 luck)
        internal
        pure
        returns (bytes memory signature)
    {
        signature = _sign(StampTree.keyOf(keyOf, tree), digest);
        // Safety: a shorter length leaves the bytes behind it unused.
        if (_isShort(luck)) assembly ("memory-safe") { mstore(signature, 63) }
    }

    function _isShort(uint256 luck) internal pure returns (bool) {
        return luck % 32 == 5;
    }

    /// @notice The model of {ICryptoStamp-claimRootOf}.
    function claimRootOf(uint64 stamp) public view returns (bytes32 root, uint40 closedAt) {
        Closure[] storage closed = _closed[uint32(stamp >> 32)];
        uint256 place = _placeOf(closed, uint32(stamp));
        if (place == closed.length) return (_roots[uint16(stamp >> 48)][0], 0);
        root = closed[place].root;
        if (root == 0) closedAt = closed[place].closedAt;
    }

    /// @notice The root that an edition began with: it stays among its terms (S1).
    function firstRoot(uint16 operator) external view returns (bytes32) {
        return _roots[operator][0];
    }

    /// @notice The model of {ICryptoStamp-closures}.
    function closures(uint32 number) external view returns (Closure[] memory) {
        return _closed[number];
    }
}
