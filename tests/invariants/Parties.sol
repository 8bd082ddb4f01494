// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IPostalNetwork, KeyKind} from "../../contracts/interfaces/IPostalNetwork.sol";
import {IRecords} from "../../contracts/interfaces/IRecords.sol";
import {vm} from "./Vm.sol";
import {World} from "./World.sol";

/// @notice A model of who may sign (N2-N4), and what happens to that: custodians are suspended, get new keys, lose them
/// or let them lapse.
abstract contract Parties is World {
    struct Right {
        uint256 key;
        uint40 from;
        uint40 until;
    }

    uint256 internal constant WRONG_KEY = 0xBAD;

    /// @notice The custodian whose rights the last call changed, {CUSTODIANS} if none.
    uint256 public touched;
    mapping(uint256 who => Right[]) internal _rights;
    mapping(uint256 who => bool) internal _suspended;
    mapping(uint16 operator => bool) internal _operatorSuspended;
    mapping(uint256 key => bool) internal _compromised;
    /// @dev Kept, because computing them takes forge long.
    mapping(uint256 key => address) internal _addressOf;
    uint256 internal _keys = 0x1000;

    constructor() {
        for (uint256 who = 0; who < CUSTODIANS; ++who) {
            Right memory right = Right(++_keys, _now(), FOR_EVER);
            IPostalNetwork.RightRequest memory asked = _asked(right);
            vm.prank(_admins[_operatorOf(who)]);
            network.enrol(_custodian(who), 1, "here", asked);
            _rights[who].push(right);
        }
    }

    function _asked(Right memory right) internal returns (IPostalNetwork.RightRequest memory) {
        if (_addressOf[right.key] == address(0)) _addressOf[right.key] = vm.addr(right.key);
        return IPostalNetwork.RightRequest(_addressOf[right.key], KeyKind.Secp256k1, 1, right.from, right.until);
    }

    // ------------------------------------------------------------------------------------------------------ the model

    /// @dev The key that has the right at an event time, 0 if none has (N3).
    function _keyAt(uint256 who, uint40 time) internal view returns (uint256) {
        Right[] storage rights = _rights[who];
        for (uint256 i = rights.length; i > 0; --i) {
            Right storage right = rights[i - 1];
            if (right.from <= time && time < right.until) return right.key;
        }
        return 0;
    }

    /// @dev N4: judged at the block.
    function _suspension(uint256 who) internal view returns (bytes4) {
        if (_operatorSuspended[_operatorOf(who)]) return IPostalNetwork.OperatorIsSuspended.selector;
        if (_suspended[who]) return IPostalNetwork.CustodianIsSuspended.selector;
        return 0;
    }

    /// @return why 0, or the error with which a signature by `key` for the custodian is refused
    function _refusesKey(uint256 who, uint40 time, uint256 key) internal view returns (bytes4 why) {
        why = _suspension(who);
        uint256 right = _keyAt(who, time);
        if (why == 0 && right == 0) why = IPostalNetwork.NoRight.selector;
        if (why == 0 && right != key) why = IRecords.WrongSignature.selector;
    }

    function _canSign(uint256 who) internal view returns (bool) {
        return _suspension(who) == 0 && _keyAt(who, _now()) != 0;
    }

    /// @dev The key that the custodian uses at `time`: one it has a right with, or had. Now and then a wrong one.
    function _keyFor(uint256 who, uint40 time, uint256 luck) internal view returns (uint256 key) {
        if (luck % 16 == 0) return WRONG_KEY;
        key = _keyAt(who, time);
        if (key == 0) key = _rights[who][_rights[who].length - 1].key;
    }

    // -------------------------------------------------------------------------------------------------- what may happen

    function timePasses(uint256 luck) external {
        touched = CUSTODIANS;
        uint256[6] memory steps = [uint256(1), 60, 10 minutes, 1 hours, 1 days, 5 days];
        vm.warp(block.timestamp + steps[luck % 6]);
        vm.roll(block.number + 1 + luck % 3);
    }

    function suspension(uint256 who, uint256 luck) external {
        touched = CUSTODIANS;
        who %= CUSTODIANS;
        // More often ended than begun, so that most of the time most can act.
        bool begins = luck % 3 == 0;
        if (luck % 4 == 1) {
            _suspendOperator(_operatorOf(who), begins);
        } else {
            _suspend(who, begins);
        }
    }

    function _suspendOperator(uint16 operator, bool begins) internal {
        vm.prank(_governor);
        if (begins) network.suspendOperator(operator);
        else network.reinstateOperator(operator);
        _operatorSuspended[operator] = begins;
    }

    function _suspend(uint256 who, bool begins) internal {
        vm.prank(_admins[_operatorOf(who)]);
        if (begins) network.suspendCustodian(_custodian(who));
        else network.reinstateCustodian(_custodian(who));
        _suspended[who] = begins;
    }

    /// @dev Rotation, renewal, a right that lapses, one that begins later, or is asked for the past (N3).
    function grant(uint256 who, uint256 luck) external {
        who %= CUSTODIANS;
        uint256 last = _rights[who][_rights[who].length - 1].key;
        bool renews = luck % 11 == 0 && !_compromised[last];
        Right memory right = Right(renews ? last : ++_keys, _now(), FOR_EVER);
        if (luck % 5 == 0) right.from = _now() + 2 hours;
        if (luck % 5 == 1) right.from = _now() - 1 days;
        if (luck % 7 == 0) right.until = _now() + 3 hours;
        _grant(who, right);
    }

    function _grant(uint256 who, Right memory right) internal {
        touched = who;
        IPostalNetwork.RightRequest memory asked = _asked(right);
        vm.prank(_admins[_operatorOf(who)]);
        network.grantRight(_custodian(who), asked);
        // N3: never before the block.
        if (right.from < _now()) right.from = _now();
        Right[] storage rights = _rights[who];
        // NE9: those that had not begun never will, and every other ends where this one begins.
        while (rights.length != 0 && rights[rights.length - 1].from > right.from) {
            rights.pop();
        }
        for (uint256 i = 0; i < rights.length; ++i) {
            if (rights[i].until > right.from) rights[i].until = right.from;
        }
        rights.push(right);
    }

    function compromise(uint256 who, uint256 luck) external {
        who %= CUSTODIANS;
        Right[] storage rights = _rights[who];
        uint256 key = rights[luck % rights.length].key;
        if (_compromised[key]) return;
        touched = who;
        vm.prank(_admins[_operatorOf(who)]);
        network.compromise(_custodian(who), _addressOf[key]);
        _compromised[key] = true;
        for (uint256 i = 0; i < rights.length; ++i) {
            if (rights[i].key == key) rights[i].until = rights[i].from;
        }
        if (luck % 3 != 0) _grant(who, Right(++_keys, _now(), FOR_EVER));
    }
}
