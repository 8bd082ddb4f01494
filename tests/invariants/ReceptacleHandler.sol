// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Closing, ICustodyLedger, ItemState, Opening, Packing} from "../../contracts/interfaces/ICustodyLedger.sol";
import {HandOffHandler} from "./HandOffHandler.sol";

/// @notice Receptacles (C7): packed, closed, opened by anybody at any time.
abstract contract ReceptacleHandler is HandOffHandler {
    // ------------------------------------------------------------------------------------------------------------- pack

    function pack(uint256 pick, uint256 luck) external {
        bytes32 into = _pick(pick);
        uint256 who = _actor(into, _luck(luck, 1));
        bytes32[] memory items = new bytes32[](luck % 32 == 0 ? 0 : 1 + luck % 4);
        for (uint256 i = 0; i < items.length; ++i) {
            items[i] = _pick(_luck(luck, 10 + i));
        }
        _pack(Packing(into, _number(into, _luck(luck, 3)), _custodian(who), _time(_luck(luck, 2)), items), luck);
    }

    /// @dev The highest that a custodian holds goes into another, which is closed: so towers rise that luck alone would not
    /// build.
    function bag(uint256 pick, uint256 luck) external {
        uint256 holder = _ghosts[_pick(pick)].holder;
        if (holder == 0 || holder >= FIRST_RECEPTACLE) return;
        for (uint256 i = 0; i <= luck % 6; ++i) {
            _bagHighest(holder, luck);
        }
    }

    function _bagHighest(uint256 holder, uint256 luck) private {
        (bytes32 item, bytes32 into) = _toBag(holder, luck);
        if (item == 0 || into == 0) return;
        bytes32[] memory items = new bytes32[](1);
        items[0] = item;
        _pack(Packing(into, _ghosts[into].number, uint40(holder), _now(), items), GOOD);
        if (!_hasContents(_ghosts[into])) return;
        _close(into, _whoIs(holder), _ghosts[into].number, _now(), GOOD);
    }

    function _toBag(uint256 holder, uint256 luck) private view returns (bytes32 item, bytes32 into) {
        for (uint256 i = 0; i < _items.length; ++i) {
            bytes32 next = _items[(luck % _items.length + i) % _items.length];
            Ghost memory its = _ghosts[next];
            if (its.holder != holder) continue;
            bool higher = item == 0 || its.height > _ghosts[item].height;
            if (_mayMove(its) && higher) item = next;
            else if (_refusesContents(its) == 0) into = next;
        }
    }

    function _pack(Packing memory p, uint256 luck) private {
        uint256 who = _whoIs(p.custodian);
        uint256 key = _keyFor(who, p.time, _luck(luck, 4));
        Ghost memory its = _ghosts[p.receptacle];
        bytes4 refusal = _refusesHeld(its, who, p.number, p.time);
        if (refusal == 0) refusal = _refusesContents(its);
        if (refusal == 0 && p.items.length == 0) refusal = ICustodyLedger.ContentCount.selector;
        if (refusal == 0) refusal = _refusesTime(p.time);
        if (refusal == 0) refusal = _refusesKey(who, p.time, key);
        if (refusal == 0) refusal = _refusesItems(p);
        bytes32 digest = ledgerDigests.digest(p);
        ICustodyLedger.SignedPacking memory signed = ICustodyLedger.SignedPacking(p, _sign(key, digest));
        bool taken = _record(ledger.packBatch.selector, abi.encodeCall(ledger.pack, (signed)), refusal);
        if (taken && refusal == 0) _putAllIn(p, digest);
    }

    function _refusesItem(Packing memory p, bytes32 item) private view returns (bytes4 refusal) {
        Ghost memory its = _ghosts[item];
        refusal = _refusesHeld(its, _whoIs(p.custodian), its.number, p.time);
        if (refusal == 0 && (item == p.receptacle || !_mayMove(its))) refusal = ICustodyLedger.NotClosed.selector;
        if (refusal == 0 && its.height == 4) refusal = ICustodyLedger.TooDeep.selector;
    }

    function _refusesItems(Packing memory p) private view returns (bytes4 first) {
        for (uint256 i = 0; i < p.items.length; ++i) {
            bytes4 refusal = _refusesItem(p, p.items[i]);
            if (refusal == 0) return 0;
            if (first == 0) first = refusal;
        }
    }

    function _putAllIn(Packing memory p, bytes32 digest) private {
        Ghost storage its = _ghosts[p.receptacle];
        if (its.receptacle == 0) {
            (its.receptacle, its.height) = (_nextNumber, 1);
            _journeys[_nextNumber++].item = p.receptacle;
        }
        for (uint256 i = 0; i < p.items.length; ++i) {
            if (_refusesItem(p, p.items[i]) == 0) _putIn(p.items[i], p.receptacle);
        }
        _advance(p.receptacle, p.custodian, p.time, digest, 0);
    }

    // ------------------------------------------------------------------------------------------------------------ close

    function close(uint256 pick, uint256 luck) external {
        bytes32 item = _pick(luck % 4 == 0 ? pick : _openOne(pick));
        uint256 who = _actor(item, _luck(luck, 1));
        _close(item, who, _number(item, _luck(luck, 3)), _time(_luck(luck, 2)), luck);
    }

    function _close(bytes32 item, uint256 who, uint32 number, uint40 time, uint256 luck) internal {
        Ghost memory its = _ghosts[item];
        Journey storage journey = _journeys[its.receptacle];
        Closing memory c =
            Closing(item, number, _custodian(who), time, uint32(journey.packed.length), journey.contents, 0);
        if (luck % 8 == 3) c.contents = bytes32(luck);
        uint256 key = _keyFor(who, time, _luck(luck, 4));
        bytes4 refusal = _refusesHeld(its, who, number, time);
        if (refusal == 0) refusal = _refusesContents(its);
        if (refusal == 0 && journey.packed.length == 0) refusal = ICustodyLedger.ContentCount.selector;
        if (refusal == 0 && c.contents != journey.contents) refusal = ICustodyLedger.OtherContents.selector;
        if (refusal == 0) refusal = _refusesTime(time);
        if (refusal == 0) refusal = _refusesKey(who, time, key);
        bytes32 digest = ledgerDigests.digest(c);
        ICustodyLedger.SignedClosing memory signed = ICustodyLedger.SignedClosing(c, _sign(key, digest));
        bool taken = _record(ledger.closeBatch.selector, abi.encodeCall(ledger.close, (signed)), refusal);
        if (!taken || refusal != 0) return;
        journey.closedBy = c.custodian;
        _ghosts[item].closed = true;
        _advance(item, c.custodian, time, digest, 0);
    }

    // ------------------------------------------------------------------------------------------------------------- open

    function open(uint256 pick, uint256 luck) external {
        bytes32 item = luck % 8 == 0 ? _pick(pick) : _closedOne(pick);
        uint256 who = _actor(item, _luck(luck, 1));
        // Half of the time nothing is missing; else up to three, of its contents or of anything.
        bytes32[] memory missing = new bytes32[](luck % 2 == 0 ? 0 : 1 + luck % 3);
        bytes32[] storage packed = _journeys[_ghosts[item].receptacle].packed;
        for (uint256 i = 0; i < missing.length; ++i) {
            uint256 nth = _luck(luck, 10 + i);
            missing[i] = packed.length == 0 || nth % 4 == 0 ? _pick(nth >> 8) : packed[nth % packed.length];
        }
        _open(item, who, _number(item, _luck(luck, 3)), _time(_luck(luck, 2)), missing, luck);
    }

    /// @dev A closed receptacle that a custodian holds, if there is one.
    function _closedOne(uint256 pick) private view returns (bytes32 item) {
        for (uint256 i = 0; i < _items.length; ++i) {
            item = _pick(pick % _items.length + i);
            if (_ghosts[item].closed && _ghosts[item].holder < FIRST_RECEPTACLE) return item;
        }
    }

    function _open(bytes32 item, uint256 who, uint32 number, uint40 time, bytes32[] memory missing, uint256 luck)
        internal
    {
        Opening memory o = Opening(item, number, _custodian(who), time, missing, new uint256[](1), 0);
        Ghost memory its = _ghosts[item];
        uint256 key = _keyFor(who, time, _luck(luck, 4));
        bytes4 refusal = _refusesHeld(its, who, number, time);
        if (refusal == 0 && !its.closed) refusal = ICustodyLedger.NotClosed.selector;
        if (refusal == 0 && missing.length > _journeys[its.receptacle].packed.length) {
            refusal = ICustodyLedger.ContentCount.selector;
        }
        if (refusal == 0) refusal = _refusesTime(time);
        if (refusal == 0) refusal = _refusesKey(who, time, key);
        bytes32 digest = ledgerDigests.digest(o);
        ICustodyLedger.SignedOpening memory signed = ICustodyLedger.SignedOpening(o, _sign(key, digest));
        bool taken = _record(ledger.openBatch.selector, abi.encodeCall(ledger.open, (signed)), refusal);
        if (taken && refusal == 0) _takeAllOut(o, digest);
    }

    function _takeAllOut(Opening memory o, bytes32 digest) private {
        Ghost storage its = _ghosts[o.receptacle];
        (its.closed, its.opened, its.height) = (false, true, 0);
        _advance(o.receptacle, o.custodian, o.time, digest, 0);
        uint40 closer = _journeys[its.receptacle].closedBy;
        for (uint256 i = 0; i < o.missing.length; ++i) {
            if (_ghosts[o.missing[i]].holder == its.receptacle) _advance(o.missing[i], closer, its.time, digest, i);
        }
        _takeOut(o.receptacle, _whoIs(o.custodian));
    }
}
