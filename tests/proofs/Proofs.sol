// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Item, ItemState} from "../../contracts/interfaces/ICustodyLedger.sol";
import {ICustodyLedger} from "../../contracts/interfaces/ICustodyLedger.sol";
import {IPostalNetwork} from "../../contracts/interfaces/IPostalNetwork.sol";
import {CryptoStamp} from "../../contracts/CryptoStamp.sol";
import {vm} from "../invariants/Vm.sol";
import {Standing, accepted} from "../../contracts/libraries/Standing.sol";

/// @notice Halmos runs each `check_` function for all arguments at once: an `assert` that holds, holds for every value.
contract StandingProofs {
    Item private _item;

    /// @dev The slot is laid out as the compiler lays out an {Item}: what is stored as a struct is read as a Standing.
    function check_a_standing_is_the_struct_in_its_slot(Item memory item) external {
        _item = item;
        uint256 word;
        assembly ("memory-safe") {
            word := sload(_item.slot)
        }
        _same(Standing.wrap(word).unpacked(), item);
    }

    /// @dev C3: number and records grow by one, the time never falls, nothing else changes but holder and state.
    function check_advanced_changes_what_it_says(Item memory item, uint48 holder, uint40 time) external pure {
        if (item.number == type(uint32).max || item.records == type(uint32).max) return;
        Item memory after_ = _packed(item).advanced(holder, time).unpacked();
        ++item.number;
        ++item.records;
        if (time > item.time) item.time = time;
        (item.holder, item.state) = (holder, ItemState.Held);
        _same(after_, item);
    }

    /// @dev C3, C8: a report counts as a record and changes nothing else.
    function check_reported_changes_the_record_number_alone(Item memory item) external pure {
        if (item.records == type(uint32).max) return;
        Item memory after_ = _packed(item).reported().unpacked();
        ++item.records;
        _same(after_, item);
    }

    /// @dev C7: closed, opened, put in: each changes its own fields alone.
    function check_receptacles_change_their_fields_alone(Item memory item, uint48 number, uint8 height) external pure {
        Standing its = _packed(item);
        Item memory changed = _packed(item).unpacked();
        changed.holder = number;
        _same(its.heldBy(number).unpacked(), changed);
        changed.holder = item.holder;
        (changed.receptacle, changed.height) = (number, height);
        _same(its.asReceptacle(number, height).unpacked(), changed);
        changed.closed = true;
        _same(its.asReceptacle(number, height).asClosed().unpacked(), changed);
        (changed.closed, changed.height) = (false, 0);
        _same(its.asReceptacle(number, height).asClosed().asOpened().unpacked(), changed);
    }

    /// @dev C1: after its acceptance an item has one record and its origin, and is no receptacle.
    function check_accepted_is_the_first_record(uint40 custodian, uint16 origin, uint40 time) external pure {
        Item memory item;
        (item.holder, item.number, item.records, item.time) = (custodian, 1, 1, time);
        (item.state, item.origin) = (ItemState.Held, origin);
        _same(accepted(custodian, origin, time).unpacked(), item);
    }

    function _packed(Item memory item) private pure returns (Standing) {
        uint256 word = uint256(item.holder) | (uint256(item.number) << 48) | (uint256(item.records) << 80);
        word |= (uint256(item.time) << 112) | (uint256(uint8(item.state)) << 152);
        word |= (uint256(item.receptacle) << 160) | (uint256(item.height) << 208);
        return Standing.wrap(word | (item.closed ? 1 << 216 : 0) | (uint256(item.origin) << 224));
    }

    function _same(Item memory a, Item memory b) private pure {
        assert(a.holder == b.holder && a.number == b.number && a.records == b.records && a.time == b.time);
        assert(a.state == b.state && a.receptacle == b.receptacle && a.height == b.height);
        assert(a.closed == b.closed && a.origin == b.origin);
    }
}

/// @notice Of the stamps: numbers, lanes of use, and the window of event times that both contracts share.
contract StampProofs is CryptoStamp {
    constructor() CryptoStamp(IPostalNetwork(address(1)), ICustodyLedger(address(2))) {}

    /// @dev S2: a stamp's number is its operator, edition and serial, and each can be read from it.
    function check_numbers_are_read_from_a_stamp(uint16 operator, uint16 edition, uint32 serial) external pure {
        uint64 stamp = (uint64(operator) << 48) | (uint64(edition) << 32) | serial;
        assert(_operatorOfStamp(stamp) == operator);
        assert(_editionOf(stamp) == (uint32(operator) << 16) | edition);
    }

    /// @dev S4: a use is told by its block, and no other stamp is touched by it.
    function check_a_use_stays_in_its_lane(uint64 stamp, uint64 other, uint64 number) external {
        if (stamp == other || number == 0) return;
        vm.roll(number);
        (uint32 before, bool wasVoid) = useOf(other);
        _use(stamp);
        (uint32 later, bool isVoid) = useOf(other);
        assert(later == before && isVoid == wasVoid);
        (uint32 blockNumber, bool void) = useOf(stamp);
        // 31 bits hold the block; later ones are told as the last.
        assert(!void && blockNumber == (number < 2 ** 31 ? number : 2 ** 31 - 1));
    }

    /// @dev C5: exactly the times from 14 days before the block to 5 minutes after it are taken.
    function check_the_window_of_event_times(uint40 now_, uint40 time) external {
        if (now_ < 14 days) return;
        vm.warp(now_);
        bool within = time >= block.timestamp - 14 days && time <= block.timestamp + 5 minutes;
        assert((_checkTime(time).length == 0) == within);
    }

    /// @dev C5: exactly the deadlines from the block to 14 days after the event are taken.
    function check_the_window_of_deadlines(uint40 now_, uint40 time, uint40 deadline) external {
        vm.warp(now_);
        bool within = deadline >= block.timestamp && deadline <= uint256(time) + 14 days;
        assert((_checkOffer(time, deadline).length == 0) == within);
    }
}
