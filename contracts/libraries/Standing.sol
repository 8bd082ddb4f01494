// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Item, ItemState} from "../interfaces/ICustodyLedger.sol";

/// @notice An {Item} as it lies in its slot: read with one load, written with one store.
/// @dev From the lowest bit: holder 48, number 32, records 32, time 40, state 8, receptacle 48, height 8, closed 8,
/// origin 16; the layout that the compiler gives the struct. Safety, for all cuts: each takes the bits of its field.
type Standing is uint256;

using {
    holderOf,
    numberOf,
    recordsOf,
    timeOf,
    stateOf,
    receptacleOf,
    heightOf,
    isClosed,
    originOf,
    mayMove,
    advanced,
    reported,
    ended,
    heldBy,
    asReceptacle,
    asClosed,
    asOpened,
    unpacked,
    inState,
    inHeight
} for Standing global;

uint256 constant NUMBER_BIT = 48;
uint256 constant RECORDS_BIT = 80;
uint256 constant TIME_BIT = 112;
uint256 constant STATE_BIT = 152;
uint256 constant RECEPTACLE_BIT = 160;
uint256 constant HEIGHT_BIT = 208;
uint256 constant CLOSED_BIT = 216;
uint256 constant ORIGIN_BIT = 224;

/// @dev Holders from this number on are receptacles, below it custodians.
uint48 constant FIRST_RECEPTACLE = 1 << 40;

function holderOf(Standing its) pure returns (uint48) {
    return uint48(Standing.unwrap(its));
}

function numberOf(Standing its) pure returns (uint32) {
    return uint32(Standing.unwrap(its) >> NUMBER_BIT);
}

function recordsOf(Standing its) pure returns (uint32) {
    return uint32(Standing.unwrap(its) >> RECORDS_BIT);
}

function timeOf(Standing its) pure returns (uint40) {
    return uint40(Standing.unwrap(its) >> TIME_BIT);
}

function stateOf(Standing its) pure returns (ItemState) {
    return ItemState(uint8(Standing.unwrap(its) >> STATE_BIT));
}

function receptacleOf(Standing its) pure returns (uint48) {
    return uint48(Standing.unwrap(its) >> RECEPTACLE_BIT);
}

/// @dev 0 for what is no receptacle and for one that has been opened.
function heightOf(Standing its) pure returns (uint8) {
    return uint8(Standing.unwrap(its) >> HEIGHT_BIT);
}

function isClosed(Standing its) pure returns (bool) {
    return uint8(Standing.unwrap(its) >> CLOSED_BIT) != 0;
}

function originOf(Standing its) pure returns (uint16) {
    return uint16(Standing.unwrap(its) >> ORIGIN_BIT);
}

/// @dev C7: a receptacle with contents moves closed only.
function mayMove(Standing its) pure returns (bool) {
    return its.heightOf() == 0 || its.isClosed();
}

/// @dev C3: one more record that changes custody or voids offers; `holder` holds the item from now on.
function advanced(Standing its, uint48 holder, uint40 time) pure returns (Standing) {
    uint256 word = Standing.unwrap(its);
    // Safety: nobody can pay for 2^32 records of an item, so no count runs over into the next field.
    unchecked {
        word += (1 << NUMBER_BIT) + (1 << RECORDS_BIT);
    }
    if (time > its.timeOf()) {
        word = (word & ~(uint256(type(uint40).max) << TIME_BIT)) | (uint256(time) << TIME_BIT);
    }
    return Standing.wrap((word & ~uint256(type(uint48).max)) | holder).inState(ItemState.Held);
}

/// @dev C3: one more record that neither changes custody nor voids an offer.
function reported(Standing its) pure returns (Standing) {
    // Safety: as in {advanced}.
    unchecked {
        return Standing.wrap(Standing.unwrap(its) + (1 << RECORDS_BIT));
    }
}

/// @dev C4: custody has ended; nobody holds the item.
function ended(Standing its, uint40 time) pure returns (Standing) {
    return its.advanced(0, time).inState(ItemState.Ended);
}

function inState(Standing its, ItemState state) pure returns (Standing) {
    uint256 word = Standing.unwrap(its) & ~(uint256(0xff) << STATE_BIT);
    return Standing.wrap(word | (uint256(uint8(state)) << STATE_BIT));
}


/// @dev C7: held by another, without a record of its own: the stay will be one record.
function heldBy(Standing its, uint48 holder) pure returns (Standing) {
    return Standing.wrap((Standing.unwrap(its) & ~uint256(type(uint48).max)) | holder);
}

/// @dev C7: takes contents from now on; `height` levels of it.
function asReceptacle(Standing its, uint48 receptacle, uint8 height) pure returns (Standing) {
    uint256 word = Standing.unwrap(its) & ~(uint256(type(uint48).max) << RECEPTACLE_BIT);
    return Standing.wrap(word | (uint256(receptacle) << RECEPTACLE_BIT)).inHeight(height);
}

function asClosed(Standing its) pure returns (Standing) {
    return Standing.wrap(Standing.unwrap(its) | (1 << CLOSED_BIT));
}

/// @dev C7: empty and at the end of its one journey.
function asOpened(Standing its) pure returns (Standing) {
    return Standing.wrap(Standing.unwrap(its) & ~(uint256(0xff) << CLOSED_BIT)).inHeight(0);
}

function inHeight(Standing its, uint8 height) pure returns (Standing) {
    return Standing.wrap((Standing.unwrap(its) & ~(uint256(0xff) << HEIGHT_BIT)) | (uint256(height) << HEIGHT_BIT));
}

function unpacked(Standing its) pure returns (Item memory) {
    return Item({
        holder: its.holderOf(),
        number: its.numberOf(),
        records: its.recordsOf(),
        time: its.timeOf(),
        state: its.stateOf(),
        receptacle: its.receptacleOf(),
        height: its.heightOf(),
        closed: its.isClosed(),
        origin: its.originOf()
    });
}

/// @dev C1: an item after its acceptance.
function accepted(uint40 custodian, uint16 origin, uint40 time) pure returns (Standing) {
    return Standing.wrap(uint256(origin) << ORIGIN_BIT).advanced(custodian, time);
}
