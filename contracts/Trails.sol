// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DeliveryKeys, ICustodyLedger, Item, ItemState, Receptacle} from "./interfaces/ICustodyLedger.sol";
import {FIRST_RECEPTACLE, Standing} from "./libraries/Standing.sol";
import {SignedRecords} from "./SignedRecords.sol";

/// @title What the ledger keeps of items, and the only ways to change it
/// @dev An item that lay in a receptacle and has not moved since the opening still bears the receptacle as its holder:
/// {_look} sees through that, and the item's next record writes the stay first (C7). So opening writes nothing for what
/// was found.
abstract contract Trails is ICustodyLedger, SignedRecords {
    /// @dev Three slots, the third only where acceptance named keys. The first is an {Item}, see {Standing}.
    struct Trail {
        Standing standing;
        bytes32 head;
        bytes32 keys;
    }

    mapping(bytes32 item => Trail) internal _trails;
    mapping(uint48 number => Receptacle) internal _receptacles;
    /// @dev The number that the next receptacle gets.
    uint48 internal _nextReceptacle = FIRST_RECEPTACLE;

    /// @inheritdoc ICustodyLedger
    mapping(bytes32 digest => uint256 blockNumber) public recordedAt;

    // ---------------------------------------------------------------------------------------------------------- checks

    /// @dev Where an item stands. `stay` is the opened receptacle that it lay in, if its stay is not written yet.
    function _look(Trail storage trail) internal view returns (Standing its, uint48 stay) {
        its = trail.standing;
        uint48 holder = its.holderOf();
        if (holder >= FIRST_RECEPTACLE) {
            Receptacle storage opened = _receptacles[holder];
            if (opened.headAtOpening != 0) {
                (its, stay) = (its.advanced(opened.openedBy, opened.openedAt), holder);
            }
        }
    }

    /// @dev C3: the item is under custody, the custodian holds it, and the custody number is the current one; C5, C7.
    function _checkHeld(Standing its, bytes32 item, uint32 number, uint40 custodian, uint40 time)
        internal
        pure
        returns (bytes memory reason)
    {
        ItemState state = its.stateOf();
        if (state == ItemState.Unknown) return abi.encodeWithSelector(UnknownItem.selector, item);
        if (state == ItemState.Ended) return abi.encodeWithSelector(CustodyEnded.selector, item);
        if (its.holderOf() != custodian) {
            return abi.encodeWithSelector(NotHolder.selector, item, custodian, its.holderOf());
        }
        if (its.numberOf() != number) {
            return abi.encodeWithSelector(StaleNumber.selector, item, number, its.numberOf());
        }
        return _checkOrder(its, item, time);
    }

    /// @dev C8, C11: the item exists, under custody or not; C5.
    function _checkKnown(Standing its, bytes32 item, uint40 time) internal pure returns (bytes memory reason) {
        if (its.stateOf() == ItemState.Unknown) return abi.encodeWithSelector(UnknownItem.selector, item);
        return _checkOrder(its, item, time);
    }

    /// @dev C5: the event is not too long before the item's latest.
    function _checkOrder(Standing its, bytes32 item, uint40 time) internal pure returns (bytes memory reason) {
        if (time + CLOCK_BEHIND < its.timeOf()) {
            return abi.encodeWithSelector(TimeBeforeLatest.selector, item, time, its.timeOf());
        }
    }

    /// @dev C7: custody of a receptacle ends when it has been opened, not before.
    function _checkEmpty(Standing its, bytes32 item) internal pure returns (bytes memory reason) {
        if (its.heightOf() != 0) return abi.encodeWithSelector(HasContents.selector, item);
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

    /// @dev C6: one more record. `its` is the item after it; a stay that is not written yet is written before it.
    function _write(bytes32 item, Trail storage trail, Standing its, uint48 stay, bytes32 digest, uint256 line)
        internal
    {
        bytes32 head = trail.head;
        if (stay != 0) head = _writeStay(item, trail.standing, head, stay);
        trail.standing = its;
        trail.head = _headAfter(head, digest, line);
    }

    /// @dev C7: a stay enters the item's head as one record, the receptacle's head at its opening.
    function _writeStay(bytes32 item, Standing before, bytes32 head, uint48 stay) internal returns (bytes32) {
        Receptacle storage opened = _receptacles[stay];
        Standing its = before.advanced(opened.openedBy, opened.openedAt);
        emit Stayed(item, opened.headAtOpening, opened.openedBy, its.recordsOf(), its.numberOf(), stay);
        return _headAfter(head, opened.headAtOpening, 0);
    }

    /// @dev keccak256(abi.encode(head, digest, line)).
    function _headAfter(bytes32 head, bytes32 digest, uint256 line) internal pure returns (bytes32 next) {
        // Safety: writes three words behind the free memory pointer and leaves it there.
        // slither-disable-next-line assembly
        assembly ("memory-safe") { // solhint-disable-line no-inline-assembly
            let free := mload(0x40)
            mstore(free, head)
            mstore(add(free, 32), digest)
            mstore(add(free, 64), line)
            next := keccak256(free, 96)
        }
    }

    // ----------------------------------------------------------------------------------------------------------- views

    /// @inheritdoc ICustodyLedger
    function itemOf(bytes32 item) external view returns (Item memory) {
        (Standing its,) = _look(_trails[item]);
        return its.unpacked();
    }

    /// @inheritdoc ICustodyLedger
    function headOf(bytes32 item) public view returns (bytes32 head) {
        Trail storage trail = _trails[item];
        head = trail.head;
        (, uint48 stay) = _look(trail);
        if (stay != 0) head = _headAfter(head, _receptacles[stay].headAtOpening, 0);
    }

    /// @inheritdoc ICustodyLedger
    function keysOf(bytes32 item) external view returns (bytes32) {
        return _trails[item].keys;
    }

    /// @inheritdoc ICustodyLedger
    function headsOf(bytes32[] calldata list) external view returns (bytes32[] memory heads) {
        heads = new bytes32[](list.length);
        for (uint256 i = 0; i < list.length; ++i) {
            heads[i] = headOf(list[i]);
        }
    }

    /// @inheritdoc ICustodyLedger
    function custodianOf(bytes32 item) external view returns (uint40) {
        (Standing its,) = _look(_trails[item]);
        while (its.holderOf() >= FIRST_RECEPTACLE) {
            // C7: at most four receptacles deep, and none lies in itself.
            (its,) = _look(_trails[_receptacles[its.holderOf()].item]);
        }
        // Safety: below the first receptacle all holders are custodians.
        return uint40(its.holderOf());
    }

    /// @inheritdoc ICustodyLedger
    function lyingIn(bytes32 item) external view returns (uint48 receptacle) {
        uint48 holder = _trails[item].standing.holderOf();
        if (holder >= FIRST_RECEPTACLE) receptacle = holder;
    }

    /// @inheritdoc ICustodyLedger
    function receptacleOf(uint48 number) external view returns (Receptacle memory) {
        return _receptacles[number];
    }
}
