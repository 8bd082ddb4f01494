// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeliveryKeys, ICustodyLedger, Item, ItemState} from "./interfaces/ICustodyLedger.sol";
import {SignedRecords} from "./SignedRecords.sol";

/// @title What the ledger keeps of items, and the only ways to change it
abstract contract Trails is ICustodyLedger, SignedRecords {
    /// @dev Three slots, the third only where acceptance named keys.
    struct Trail {
        Item item;
        bytes32 head;
        bytes32 keys;
    }

    mapping(bytes32 item => Trail) internal _trails;

    /// @inheritdoc ICustodyLedger
    mapping(bytes32 digest => uint256 blockNumber) public recordedAt;

    // ---------------------------------------------------------------------------------------------------------- checks

    /// @dev C3: the item is under custody, the custodian holds it, and the custody number is the current one; C5.
    function _checkHeld(Item storage its, bytes32 item, uint32 number, uint40 custodian, uint40 time)
        internal
        view
        returns (bytes memory reason)
    {
        ItemState state = its.state;
        if (state == ItemState.Unknown) return abi.encodeWithSelector(UnknownItem.selector, item);
        if (state == ItemState.Ended) return abi.encodeWithSelector(CustodyEnded.selector, item);
        if (its.holder != custodian) {
            return abi.encodeWithSelector(NotHolder.selector, item, custodian, its.holder);
        }
        if (its.number != number) return abi.encodeWithSelector(StaleNumber.selector, item, number, its.number);
        return _checkOrder(its, item, time);
    }

    /// @dev C8, C11: the item exists, under custody or not; C5.
    function _checkKnown(Item storage its, bytes32 item, uint40 time) internal view returns (bytes memory reason) {
        if (its.state == ItemState.Unknown) return abi.encodeWithSelector(UnknownItem.selector, item);
        return _checkOrder(its, item, time);
    }

    /// @dev C5: the event is not too long before the item's latest.
    function _checkOrder(Item storage its, bytes32 item, uint40 time) private view returns (bytes memory reason) {
        if (time + CLOCK_BEHIND < its.time) {
            return abi.encodeWithSelector(TimeBeforeLatest.selector, item, time, its.time);
        }
    }

    /// @dev C1, C4: acceptance named `key`, which is not zero, among the keys shown.
    function _checkNamed(Trail storage trail, bytes32 item, address key, DeliveryKeys calldata keys)
        internal
        view
        returns (bytes memory reason)
    {
        if (key == address(0) || trail.keys != keccak256(abi.encode(keys))) {
            return abi.encodeWithSelector(NotNamed.selector, item, key);
        }
    }

    /// @dev C8, C11: the same digest was not recorded before.
    function _checkNew(bytes32 digest) internal view returns (bytes memory reason) {
        uint256 blockNumber = recordedAt[digest];
        if (blockNumber != 0) return abi.encodeWithSelector(AlreadyRecorded.selector, digest, blockNumber);
    }

    // --------------------------------------------------------------------------------------------------------- effects

    /// @dev C3: one more record that changes custody or voids offers. `holder` holds the item from now on.
    function _advance(Item storage its, uint48 holder, uint40 time) internal returns (uint32 record, uint32 number) {
        // Safety: nobody can pay for 2^32 records of an item.
        unchecked {
            (record, number) = (its.records + 1, its.number + 1);
        }
        if (time < its.time) time = its.time;
        its.holder = holder;
        its.number = number;
        its.records = record;
        its.time = time;
    }

    function _close(Item storage its, uint40 time) internal returns (uint32 record, uint32 number) {
        its.state = ItemState.Ended;
        return _advance(its, 0, time);
    }

    /// @dev C6.
    function _extend(Trail storage trail, bytes32 digest, uint256 line) internal {
        trail.head = keccak256(abi.encode(trail.head, digest, line));
    }

    // ----------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc ICustodyLedger
    function itemOf(bytes32 item) external view returns (Item memory) {
        return _trails[item].item;
    }

    /// @inheritdoc ICustodyLedger
    function headOf(bytes32 item) external view returns (bytes32) {
        return _trails[item].head;
    }

    /// @inheritdoc ICustodyLedger
    function keysOf(bytes32 item) external view returns (bytes32) {
        return _trails[item].keys;
    }

    /// @inheritdoc ICustodyLedger
    function headsOf(bytes32[] calldata list) external view returns (bytes32[] memory heads) {
        heads = new bytes32[](list.length);
        for (uint256 i = 0; i < list.length; ++i) {
            heads[i] = _trails[list[i]].head;
        }
    }

    /// @inheritdoc ICustodyLedger
    function custodianOf(bytes32 item) external view returns (uint40) {
        // Safety: no receptacle holds an item in this version, so every holder is a custodian.
        return uint40(_trails[item].item.holder);
    }
}
