// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ItemState} from "../../contracts/interfaces/ICustodyLedger.sol";
import {ReceptacleHandler} from "./ReceptacleHandler.sol";
import {vm} from "./Vm.sol";

/// @notice All that may happen to items, and the way out that must always be there.
contract CustodyHandler is ReceptacleHandler {
    function selectors() external pure returns (bytes4[] memory all) {
        bytes4[22] memory each = [
            this.accept.selector,
            this.accept.selector,
            this.accept.selector,
            this.handOff.selector,
            this.lateHandOff.selector,
            this.misshapen.selector,
            this.forceHandOff.selector,
            this.equivocate.selector,
            this.deliver.selector,
            this.end.selector,
            this.takeUp.selector,
            this.recall.selector,
            this.report.selector,
            this.pack.selector,
            this.bag.selector,
            this.bag.selector,
            this.close.selector,
            this.open.selector,
            this.timePasses.selector,
            this.suspension.selector,
            this.grant.selector,
            this.compromise.selector
        ];
        all = new bytes4[](each.length);
        for (uint256 i = 0; i < each.length; ++i) {
            all[i] = each[i];
        }
    }

    // ------------------------------------------------------------------------------------------------------- liveness

    /// @notice Those who rightfully act bring every item to an end: who holds it, where it cannot sign a stand-in, where
    /// nothing else is left who takes it up. One call for an item that a custodian holds who can sign; three more for a
    /// receptacle with contents.
    function bringAllToAnEnd() external {
        vm.warp(block.timestamp + 1 hours);
        uint256 able = _somebodyAble();
        // One round for each level of receptacles in receptacles.
        for (uint256 round = 0; round < 4; ++round) {
            for (uint256 i = 0; i < _items.length; ++i) {
                if (_isHeldByCustodian(_items[i]) && _hasContents(_ghosts[_items[i]])) _empty(_items[i], able);
            }
        }
        for (uint256 i = 0; i < _items.length; ++i) {
            if (!_isHeldByCustodian(_items[i])) continue;
            uint256 who = _toSomebodyAble(_items[i], able);
            _endAlone(_items[i], who, _ghosts[_items[i]].number, _now(), GOOD);
        }
    }

    function _isHeldByCustodian(bytes32 item) private view returns (bool) {
        return _ghosts[item].holder != 0 && _ghosts[item].holder < FIRST_RECEPTACLE;
    }

    function _somebodyAble() private returns (uint256) {
        for (uint256 who = 0; who < CUSTODIANS; ++who) {
            if (_canSign(who)) return who;
        }
        _suspendOperator(1, false);
        _suspend(0, false);
        _grant(0, Right(++_keys, _now(), FOR_EVER));
        return 0;
    }

    /// @return who the custodian that holds the item and can sign
    function _toSomebodyAble(bytes32 item, uint256 able) private returns (uint256 who) {
        Ghost memory its = _ghosts[item];
        who = _whoIs(its.holder);
        if (_canSign(who)) return who;
        uint16 operator = _operatorOf(who);
        if (_mayMove(its)) {
            _force(item, who, able, _operatorSuspended[operator] ? _governor : _submitter(operator), GOOD);
        } else {
            _takeUp(item, able, _now(), GOOD);
        }
        return able;
    }

    function _empty(bytes32 receptacle, uint256 able) private {
        uint256 who = _toSomebodyAble(receptacle, able);
        if (!_ghosts[receptacle].closed) _close(receptacle, who, _ghosts[receptacle].number, _now(), GOOD);
        _open(receptacle, who, _ghosts[receptacle].number, _now(), new bytes32[](0), GOOD);
    }

    // ------------------------------------------------------------------------------------------------------ the model

    function count() external view returns (uint256) {
        return _items.length;
    }

    function itemAt(uint256 n) external view returns (bytes32) {
        return _items[n];
    }

    function ghost(bytes32 item) external view returns (Ghost memory) {
        return _ghosts[item];
    }

    /// @notice What the ledger keeps of the keys that acceptance named.
    function keysOf(bytes32 item) external view returns (bytes32) {
        return _ghosts[item].recipientKey == 0 ? bytes32(0) : keccak256(abi.encode(_keysOf(item)));
    }

    function logged(bytes32 item) external view returns (Logged memory) {
        return _logged[item];
    }

    function receptacles() external view returns (uint256) {
        return _nextNumber - FIRST_RECEPTACLE;
    }

    function journey(uint256 number) external view returns (Journey memory) {
        return _journeys[number];
    }
}
