// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICustodyLedger, Item, ItemState, Receptacle} from "../../contracts/interfaces/ICustodyLedger.sol";
import {IRecords} from "../../contracts/interfaces/IRecords.sol";
import {Parties} from "./Parties.sol";

/// @notice A model of the rules C1-C11, written from docs/custody.md and not from the contracts. It is eager where they
/// are lazy: an opening writes the stay of everything that lay in the receptacle.
abstract contract CustodyModel is Parties {
    struct Ghost {
        ItemState state;
        uint256 holder;
        uint32 number;
        uint32 records;
        uint40 time;
        bytes32 head;
        uint16 origin;
        uint48 receptacle;
        uint8 height;
        bool closed;
        bool opened;
        uint256 recipientKey;
    }

    struct Journey {
        bytes32 item;
        bytes32 contents;
        bytes32[] packed;
        uint40 closedBy;
    }

    uint256 internal constant MOST_ITEMS = 12;
    uint256 internal constant GOOD = 7;
    uint256 internal constant FIRST_RECEPTACLE = 2 ** 40;

    bytes32[] internal _items;
    mapping(bytes32 item => Ghost) internal _ghosts;
    mapping(uint256 number => Journey) internal _journeys;
    uint48 internal _nextNumber = uint48(FIRST_RECEPTACLE);
    mapping(bytes32 digest => bool) internal _recorded;

    // ----------------------------------------------------------------------------------------------------- what is refused
    // Each returns the error with which the ledger must refuse, or 0.

    function _refusesTime(uint40 time) internal view returns (bytes4) {
        if (time + 14 days < _now()) return IRecords.TimeTooOld.selector;
        if (time > _now() + 5 minutes) return IRecords.TimeAhead.selector;
        return 0;
    }

    function _refusesOffer(uint40 time, uint40 deadline) internal view returns (bytes4) {
        if (deadline > time + 14 days) return IRecords.DeadlineTooFar.selector;
        if (deadline < _now()) return IRecords.PastDeadline.selector;
        return 0;
    }

    function _refusesOrder(Ghost memory its, uint40 time) internal pure returns (bytes4) {
        if (its.state == ItemState.Unknown) return ICustodyLedger.UnknownItem.selector;
        if (time + 15 minutes < its.time) return ICustodyLedger.TimeBeforeLatest.selector;
        return 0;
    }

    /// @dev C3, C5: the custodian holds the item now, and the number is the current one.
    function _refusesHeld(Ghost memory its, uint256 who, uint32 number, uint40 time) internal pure returns (bytes4) {
        if (its.state == ItemState.Unknown) return ICustodyLedger.UnknownItem.selector;
        if (its.state == ItemState.Ended) return ICustodyLedger.CustodyEnded.selector;
        if (its.holder != _custodian(who)) return ICustodyLedger.NotHolder.selector;
        if (its.number != number) return ICustodyLedger.StaleNumber.selector;
        return _refusesOrder(its, time);
    }

    /// @dev C7: a receptacle with contents.
    function _hasContents(Ghost memory its) internal pure returns (bool) {
        return its.receptacle != 0 && !its.opened;
    }

    /// @dev C7: takes contents.
    function _refusesContents(Ghost memory its) internal pure returns (bytes4) {
        if (its.closed) return ICustodyLedger.IsClosed.selector;
        if (its.opened) return ICustodyLedger.WasOpened.selector;
        return 0;
    }

    /// @dev C7: moves as it is.
    function _mayMove(Ghost memory its) internal pure returns (bool) {
        return !_hasContents(its) || its.closed;
    }

    // ------------------------------------------------------------------------------------------------------- what it does

    /// @dev C3: one more record that changes custody or voids offers.
    function _advance(bytes32 item, uint256 holder, uint40 time, bytes32 digest, uint256 line) internal {
        Ghost storage its = _ghosts[item];
        (its.holder, its.state) = (holder, ItemState.Held);
        ++its.number;
        if (time > its.time) its.time = time;
        _append(item, digest, line);
    }

    /// @dev C6: one more record.
    function _append(bytes32 item, bytes32 digest, uint256 line) internal {
        Ghost storage its = _ghosts[item];
        ++its.records;
        its.head = keccak256(abi.encode(its.head, digest, line));
    }

    function _end(bytes32 item, uint40 time, bytes32 digest) internal {
        _advance(item, 0, time, digest, 0);
        _ghosts[item].state = ItemState.Ended;
    }

    /// @dev C7: into a receptacle, without a record.
    function _putIn(bytes32 item, bytes32 into) internal {
        Ghost storage its = _ghosts[into];
        Journey storage journey = _journeys[its.receptacle];
        _ghosts[item].holder = its.receptacle;
        journey.packed.push(item);
        journey.contents = keccak256(abi.encode(journey.contents, item));
        uint8 height = _ghosts[item].height + 1;
        if (height > its.height) its.height = height;
    }

    /// @dev C7: what was not missed has stayed until the opening, whose head enters its own.
    function _takeOut(bytes32 receptacle, uint256 who) internal {
        Ghost storage its = _ghosts[receptacle];
        bytes32[] storage packed = _journeys[its.receptacle].packed;
        for (uint256 i = 0; i < packed.length; ++i) {
            if (_ghosts[packed[i]].holder == its.receptacle) {
                _advance(packed[i], _custodian(who), its.time, its.head, 0);
            }
        }
    }

    // ----------------------------------------------------------------------------------------------------------- picking

    function _pick(uint256 luck) internal view returns (bytes32) {
        return _items.length == 0 ? bytes32(0) : _items[luck % _items.length];
    }

    /// @dev Mostly the holder, where that is a custodian; else anybody.
    function _actor(bytes32 item, uint256 luck) internal view returns (uint256 who) {
        uint256 holder = _ghosts[item].holder;
        if (luck % 8 != 0 && holder != 0 && holder < FIRST_RECEPTACLE) return _whoIs(holder);
        return (luck / 8) % CUSTODIANS;
    }

    /// @dev Mostly the current number.
    function _number(bytes32 item, uint256 luck) internal view returns (uint32 number) {
        number = _ghosts[item].number;
        if (luck % 16 == 0 && number > 0) return number - 1;
        if (luck % 16 == 1) return number + 1;
    }

    /// @dev Mostly now, else about the edges of what is taken (C5).
    function _time(uint256 luck) internal view returns (uint40) {
        uint40 now_ = _now();
        uint256 choice = luck % 24;
        if (choice == 0) return now_ - 14 days;
        if (choice == 1) return now_ - 14 days - 1;
        if (choice == 2) return now_ + 5 minutes;
        if (choice == 3) return now_ + 5 minutes + 1;
        if (choice == 4) return now_ - 14 minutes;
        if (choice == 5) return now_ - 16 minutes;
        return now_;
    }

    /// @dev Mostly tomorrow; else past, the last one taken, or beyond.
    function _deadline(uint40 time, uint256 luck) internal view returns (uint40) {
        uint256 choice = luck % 16;
        if (choice == 0) return _now() - 1;
        if (choice == 1) return time + 14 days + 1;
        if (choice == 2) return time + 14 days;
        return time + 1 days;
    }

    /// @dev A fresh piece of luck from the same argument; good luck stays: it picks the rightful actor, key and number, and
    /// the time of now.
    function _luck(uint256 luck, uint256 nth) internal pure returns (uint256) {
        if (luck == GOOD) return GOOD;
        return uint256(keccak256(abi.encode(luck, nth)));
    }
}
