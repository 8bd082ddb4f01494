// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

import {Closing, ICustodyLedger, Opening, Packing, Receptacle} from "./interfaces/ICustodyLedger.sol";
import {LedgerTypes} from "./libraries/LedgerTypes.sol";
import {Standing} from "./libraries/Standing.sol";
import {Trails} from "./Trails.sol";

/// @title Receptacles: bags, trays and containers that are carried as one (C7)
/// @dev A receptacle is one journey: packed, closed, opened once. Only an open one that a custodian holds takes
/// contents, and only a closed one is packed: so none lies in itself. A height says how deep its contents are nested.
abstract contract Receptacles is Trails {
    uint8 private constant MOST_HEIGHT = 4;
    uint256 private constant MOST_CONTENTS = 5_000;

    /// @inheritdoc ICustodyLedger
    function pack(SignedPacking calldata signed) external {
        (, bytes memory reason) = _pack(signed);
        _orRevert(reason);
    }

    /// @inheritdoc ICustodyLedger
    function packBatch(SignedPacking[] calldata batch) external {
        for (uint256 i = 0; i < batch.length; ++i) {
            (bytes32 digest, bytes memory reason) = _pack(batch[i]);
            _orRefuse(i, digest, reason);
        }
    }

    function _pack(SignedPacking calldata signed) private returns (bytes32 digest, bytes memory reason) {
        Packing calldata p = signed.packing;
        digest = _hashTypedDataV4(LedgerTypes.hash(p));
        Trail storage trail = _trails[p.receptacle];
        (Standing its, uint48 stay) = _look(trail);
        reason = _checkPacking(its, digest, signed);
        if (reason.length != 0) return (digest, reason);

        bool isNew = its.receptacleOf() == 0;
        uint48 number = isNew ? _nextReceptacle : its.receptacleOf();
        if (isNew) its = its.asReceptacle(number, 1);
        (its, reason) = _packAll(its, number, digest, p);
        if (reason.length != 0) return (digest, reason);
        // Once for each packing of a batch, each with a number of its own.
        // slither-disable-next-line costly-loop
        if (isNew) (_nextReceptacle, _receptacles[number].item) = (number + 1, p.receptacle);
        its = its.advanced(p.custodian, p.time);
        _write(p.receptacle, trail, its, stay, digest, 0);
        _tellPacked(its, digest, signed);
    }

    /// @dev Apart, because the stack is deep enough.
    function _tellPacked(Standing its, bytes32 digest, SignedPacking calldata signed) private {
        emit Packed(
            signed.packing.receptacle,
            digest,
            signed.packing.custodian,
            its.recordsOf(),
            its.numberOf(),
            its.receptacleOf(),
            signed.packing,
            signed.signature
        );
    }

    function _checkPacking(Standing its, bytes32 digest, SignedPacking calldata signed)
        private
        view
        returns (bytes memory reason)
    {
        Packing calldata p = signed.packing;
        reason = _checkHeld(its, p.receptacle, p.number, p.custodian, p.time);
        if (reason.length == 0) reason = _checkOpen(its, p.receptacle);
        if (reason.length == 0) {
            uint256 count = _receptacles[its.receptacleOf()].count + p.items.length;
            if (p.items.length == 0 || count > MOST_CONTENTS) {
                reason = abi.encodeWithSelector(ContentCount.selector, p.receptacle, count);
            }
        }
        if (reason.length == 0) reason = _checkTime(p.time);
        if (reason.length == 0) reason = _checkCustodian(p.custodian, p.time, digest, signed.signature);
    }

    /// @dev One that was never packed, or is packed and not closed.
    function _checkOpen(Standing its, bytes32 receptacle) private pure returns (bytes memory reason) {
        if (its.isClosed()) return abi.encodeWithSelector(IsClosed.selector, receptacle);
        if (its.receptacleOf() != 0 && its.heightOf() == 0) {
            return abi.encodeWithSelector(WasOpened.selector, receptacle);
        }
    }

    /// @dev Packs the items that may be packed and tells of those that may not.
    /// @return its the receptacle with its height
    /// @return refused empty if any item was packed, else the reason of the first; then nothing was changed
    function _packAll(Standing receptacle, uint48 number, bytes32 digest, Packing calldata p)
        private
        returns (Standing its, bytes memory refused)
    {
        its = receptacle;
        Receptacle storage content = _receptacles[number];
        (bytes32 contents, uint32 count) = (content.contents, content.count);
        uint32 before = count;
        bytes32[] calldata items = p.items;
        (bytes32 into, uint40 custodian, uint40 time) = (p.receptacle, p.custodian, p.time);
        for (uint256 i = 0; i < items.length; ++i) {
            bytes32 item = items[i];
            (uint8 height, bytes memory reason) = _packOne(item, into, number, custodian, time);
            if (reason.length == 0) {
                contents = Hashes.efficientKeccak256(contents, item);
                ++count;
                if (height > its.heightOf()) its = its.inHeight(height);
            } else {
                emit LineRefused(digest, i, reason);
                if (refused.length == 0) refused = reason;
            }
        }
        if (count != before) refused = "";
        (content.contents, content.count) = (contents, count);
    }

    /// @return height of a receptacle with this item in it
    function _packOne(bytes32 item, bytes32 into, uint48 number, uint40 custodian, uint40 time)
        private
        returns (uint8 height, bytes memory reason)
    {
        Trail storage trail = _trails[item];
        (Standing its, uint48 stay) = _look(trail);
        reason = _checkHeld(its, item, its.numberOf(), custodian, time);
        if (reason.length == 0 && (item == into || !its.mayMove())) {
            reason = abi.encodeWithSelector(NotClosed.selector, item);
        }
        height = its.heightOf() + 1;
        if (reason.length == 0 && height > MOST_HEIGHT) reason = abi.encodeWithSelector(TooDeep.selector, item);
        if (reason.length != 0) return (height, reason);

        if (stay != 0) trail.head = _writeStay(item, trail.standing, trail.head, stay);
        trail.standing = its.heldBy(number);
    }

    /// @inheritdoc ICustodyLedger
    function close(SignedClosing calldata signed) external {
        (, bytes memory reason) = _closeUp(signed);
        _orRevert(reason);
    }

    /// @inheritdoc ICustodyLedger
    function closeBatch(SignedClosing[] calldata batch) external {
        for (uint256 i = 0; i < batch.length; ++i) {
            (bytes32 digest, bytes memory reason) = _closeUp(batch[i]);
            _orRefuse(i, digest, reason);
        }
    }

    function _closeUp(SignedClosing calldata signed) private returns (bytes32 digest, bytes memory reason) {
        Closing calldata c = signed.closing;
        digest = _hashTypedDataV4(LedgerTypes.hash(c));
        Trail storage trail = _trails[c.receptacle];
        (Standing its, uint48 stay) = _look(trail);
        reason = _checkClosing(its, digest, signed);
        if (reason.length != 0) return (digest, reason);

        _receptacles[its.receptacleOf()].closedBy = c.custodian;
        its = its.asClosed().advanced(c.custodian, c.time);
        _write(c.receptacle, trail, its, stay, digest, 0);
        emit Closed(c.receptacle, digest, c.custodian, its.recordsOf(), its.numberOf(), c, signed.signature);
    }

    function _checkClosing(Standing its, bytes32 digest, SignedClosing calldata signed)
        private
        view
        returns (bytes memory reason)
    {
        Closing calldata c = signed.closing;
        reason = _checkHeld(its, c.receptacle, c.number, c.custodian, c.time);
        if (reason.length == 0) reason = _checkOpen(its, c.receptacle);
        if (reason.length == 0) {
            Receptacle storage content = _receptacles[its.receptacleOf()];
            if (content.count == 0) {
                reason = abi.encodeWithSelector(ContentCount.selector, c.receptacle, 0);
            } else if (content.count != c.count || content.contents != c.contents) {
                reason = abi.encodeWithSelector(
                    OtherContents.selector, c.receptacle, content.count, content.contents
                );
            }
        }
        if (reason.length == 0) reason = _checkTime(c.time);
        if (reason.length == 0) reason = _checkCustodian(c.custodian, c.time, digest, signed.signature);
    }

    /// @inheritdoc ICustodyLedger
    function open(SignedOpening calldata signed) external {
        (, bytes memory reason) = _open(signed);
        _orRevert(reason);
    }

    /// @inheritdoc ICustodyLedger
    function openBatch(SignedOpening[] calldata batch) external {
        for (uint256 i = 0; i < batch.length; ++i) {
            (bytes32 digest, bytes memory reason) = _open(batch[i]);
            _orRefuse(i, digest, reason);
        }
    }

    function _open(SignedOpening calldata signed) private returns (bytes32 digest, bytes memory reason) {
        Opening calldata o = signed.opening;
        digest = _hashTypedDataV4(LedgerTypes.hash(o));
        Trail storage trail = _trails[o.receptacle];
        (Standing its, uint48 stay) = _look(trail);
        reason = _checkOpening(its, digest, signed);
        if (reason.length != 0) return (digest, reason);

        uint48 number = its.receptacleOf();
        its = its.asOpened().advanced(o.custodian, o.time);
        _write(o.receptacle, trail, its, stay, digest, 0);
        Receptacle storage content = _receptacles[number];
        for (uint256 i = 0; i < o.missing.length; ++i) {
            _miss(o.missing[i], number, content.closedBy, its.timeOf(), digest, i);
        }
        (content.openedBy, content.openedAt, content.headAtOpening) = (o.custodian, its.timeOf(), trail.head);
        emit Opened(o.receptacle, digest, o.custodian, its.recordsOf(), its.numberOf(), o, signed.signature);
    }

    function _checkOpening(Standing its, bytes32 digest, SignedOpening calldata signed)
        private
        view
        returns (bytes memory reason)
    {
        Opening calldata o = signed.opening;
        reason = _checkHeld(its, o.receptacle, o.number, o.custodian, o.time);
        if (reason.length == 0 && !its.isClosed()) reason = abi.encodeWithSelector(NotClosed.selector, o.receptacle);
        if (reason.length == 0) {
            uint256 count = _receptacles[its.receptacleOf()].count;
            if (o.missing.length > count || o.found.length != (count + 255) / 256) {
                reason = abi.encodeWithSelector(ContentCount.selector, o.receptacle, count);
            }
        }
        if (reason.length == 0) reason = _checkTime(o.time);
        if (reason.length == 0) reason = _checkCustodian(o.custodian, o.time, digest, signed.signature);
    }

    /// @dev C7: what is missing falls back to who closed the receptacle, whose word it was that it lay in it. What was
    /// taken up meanwhile is not there to be missed.
    function _miss(bytes32 item, uint48 number, uint40 closer, uint40 time, bytes32 digest, uint256 line) private {
        Trail storage trail = _trails[item];
        Standing its = trail.standing;
        if (its.holderOf() != number) {
            emit LineRefused(digest, line, abi.encodeWithSelector(NotIn.selector, item, number));
            return;
        }
        its = its.advanced(closer, time);
        _write(item, trail, its, 0, digest, line);
        emit ItemMissing(item, digest, closer, line, its.recordsOf(), its.numberOf(), number);
    }
}
