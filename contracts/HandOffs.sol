// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Finding, ForcedRelease, ICustodyLedger, Line, Receipt, Release} from "./interfaces/ICustodyLedger.sol";
import {IPostalNetwork} from "./interfaces/IPostalNetwork.sol";
import {LedgerTypes} from "./libraries/LedgerTypes.sol";
import {Standing} from "./libraries/Standing.sol";
import {Receptacles} from "./Receptacles.sol";

/// @title Hand-offs: the part of the ledger that moves lists of items between custodians (C2, C3)
abstract contract HandOffs is Receptacles {
    uint256 private constant MOST_LINES = 500;

    /// @dev What all lines of a hand-off have in common, how many findings were passed, and whether any line counts.
    struct Passage {
        bytes32 digest;
        uint40 giver;
        uint40 receiver;
        uint40 released;
        uint40 received;
        uint256 findings;
        bool counts;
    }

    /// @inheritdoc ICustodyLedger
    function handOff(HandOff calldata signed) external {
        (, bytes memory reason) = _handOff(signed);
        _orRevert(reason);
    }

    /// @inheritdoc ICustodyLedger
    function handOffBatch(HandOff[] calldata batch) external {
        for (uint256 i = 0; i < batch.length; ++i) {
            (bytes32 digest, bytes memory reason) = _handOff(batch[i]);
            _orRefuse(i, digest, reason);
        }
    }

    function _handOff(HandOff calldata signed) private returns (bytes32 digest, bytes memory reason) {
        Release calldata release = signed.release;
        Receipt calldata receipt = signed.receipt;
        bytes32[] memory lines = LedgerTypes.hashLines(release.lines);
        digest = _hashTypedDataV4(LedgerTypes.hash(receipt));
        reason = _checkShape(release.giver, release.receiver, lines.length, receipt);
        if (reason.length == 0) reason = _checkParties(digest, lines, signed);
        if (reason.length == 0) {
            Passage memory passage =
                Passage(digest, release.giver, release.receiver, release.time, receipt.time, 0, false);
            reason = _passLines(passage, release.lines, receipt);
        }
        if (reason.length != 0) return (digest, reason);

        emit HandedOff(
            digest,
            release.giver,
            release.receiver,
            release.time,
            release.deadline,
            lines,
            receipt,
            signed.giverSignature,
            signed.receiverSignature
        );
    }

    /// @dev C2: counts, bitmap and findings fit together.
    function _checkShape(uint40 giver, uint40 receiver, uint256 count, Receipt calldata receipt)
        private
        pure
        returns (bytes memory reason)
    {
        if (count == 0 || count > MOST_LINES) return abi.encodeWithSelector(LineCount.selector, count);
        if (giver == receiver) return abi.encodeWithSelector(GiverIsReceiver.selector, giver);
        if (!_fits(receipt.received, count)) {
            return abi.encodeWithSelector(ReceivedOutOfPlace.selector, receipt.received.length, count);
        }
        uint256 lowest = 0;
        for (uint256 i = 0; i < receipt.findings.length; ++i) {
            uint16 line = receipt.findings[i].line;
            if (line < lowest || line >= count || !_isReceived(receipt.received, line)) {
                return abi.encodeWithSelector(FindingOutOfPlace.selector, line);
            }
            lowest = uint256(line) + 1;
        }
    }

    /// @dev As many words as `count` lines need, no bit beyond them, at least one bit.
    function _fits(uint256[] calldata received, uint256 count) private pure returns (bool) {
        if (received.length != (count + 255) / 256) return false;
        if (count % 256 != 0 && received[received.length - 1] >> (count % 256) != 0) return false;
        for (uint256 i = 0; i < received.length; ++i) {
            if (received[i] != 0) return true;
        }
        return false;
    }

    function _isReceived(uint256[] calldata received, uint256 line) internal pure returns (bool) {
        return (received[line / 256] >> (line % 256)) & 1 == 1;
    }

    /// @dev C2, C5, N3: times, and that both signed.
    function _checkParties(bytes32 digest, bytes32[] memory lines, HandOff calldata signed)
        private
        view
        returns (bytes memory reason)
    {
        Release calldata release = signed.release;
        Receipt calldata receipt = signed.receipt;
        bytes32 released = _hashTypedDataV4(LedgerTypes.hash(release, lines));
        if (receipt.release != released) {
            return abi.encodeWithSelector(OtherRelease.selector, receipt.release, released);
        }
        reason = _checkTimes(release.time, receipt.time);
        if (reason.length == 0) reason = _checkOffer(release.time, release.deadline);
        if (reason.length == 0) {
            reason = _checkCustodian(release.giver, release.time, released, signed.giverSignature);
        }
        if (reason.length == 0) {
            reason = _checkCustodian(release.receiver, receipt.time, digest, signed.receiverSignature);
        }
    }

    /// @dev C5: of a release and its receipt.
    function _checkTimes(uint40 released, uint40 received) private view returns (bytes memory reason) {
        if (received + CLOCK_BEHIND < released) {
            return abi.encodeWithSelector(ReceiptBeforeRelease.selector, received, released);
        }
        reason = _checkTime(released);
        if (reason.length == 0) reason = _checkTime(received);
    }

    // ------------------------------------------------------------------------------------------------------ forced (C9)

    /// @inheritdoc ICustodyLedger
    function forceHandOff(ForcedHandOff calldata signed) external {
        ForcedRelease calldata release = signed.release;
        bytes32[] memory lines = LedgerTypes.hashLines(release.lines);
        bytes32 digest = _hashTypedDataV4(LedgerTypes.hash(signed.receipt));
        _orRevert(_checkShape(release.giver, release.receiver, lines.length, signed.receipt));
        bytes32 released = _hashTypedDataV4(LedgerTypes.hash(release, lines));
        if (signed.receipt.release != released) revert OtherRelease(signed.receipt.release, released);
        _orRevert(_checkTimes(release.time, signed.receipt.time));
        _checkStandIn(release.giver);
        _orRevert(_checkCustodian(release.receiver, signed.receipt.time, digest, signed.receiverSignature));
        Passage memory passage =
            Passage(digest, release.giver, release.receiver, release.time, signed.receipt.time, 0, false);
        _orRevert(_passLines(passage, release.lines, signed.receipt));

        emit HandOffForced(
            digest,
            release.giver,
            release.receiver,
            release.time,
            release.reason,
            msg.sender,
            lines,
            signed.receipt,
            signed.receiverSignature
        );
    }

    /// @dev C9: the giver cannot sign now, and the sender stands in for it: for its operator, or, where that is
    /// suspended, as the governor.
    function _checkStandIn(uint40 giver) private view {
        // Safety: 40 bits hold seconds for 34,000 years; the upper 16 of 40 bits fit.
        // Asked is only whether it can sign.
        // slither-disable-next-line unused-return
        (, , bytes memory reason) = network.keyAt(giver, uint40(block.timestamp));
        if (reason.length == 0) revert GiverCanSign(giver);
        uint16 operator = uint16(giver >> 24);
        if (network.operator(operator).suspended) {
            if (msg.sender != network.governor()) revert IPostalNetwork.NotGovernor(msg.sender);
        } else {
            _orRevert(network.maySend(operator, msg.sender));
        }
    }

    // ------------------------------------------------------------------------------------------------------- the lines

    /// @dev C3: records the received lines that count and tells of those that do not.
    /// @return refused empty if any line counts, else the reason of the first
    function _passLines(Passage memory passage, Line[] calldata lines, Receipt calldata receipt)
        private
        returns (bytes memory refused)
    {
        uint256[] calldata received = receipt.received;
        for (uint256 i = 0; i < lines.length; ++i) {
            if (!_isReceived(received, i)) continue;
            Line calldata line = lines[i];
            (uint16 found, bytes32 evidence) = _findingOf(passage, receipt.findings, i, line.condition);
            bytes memory reason = _passLine(passage, line, i, found, evidence);
            if (reason.length == 0) {
                passage.counts = true;
            } else {
                emit LineRefused(passage.digest, i, reason);
                if (refused.length == 0) refused = reason;
            }
        }
        if (passage.counts) refused = "";
    }

    /// @dev The receiver's finding of a line, or that it was found as given. Lines and findings both rise.
    function _findingOf(Passage memory passage, Finding[] calldata findings, uint256 line, uint16 given)
        private
        pure
        returns (uint16 condition, bytes32 evidence)
    {
        uint256 next = passage.findings;
        if (next == findings.length || findings[next].line != line) return (given, 0);
        passage.findings = next + 1;
        return (findings[next].condition, findings[next].evidence);
    }

    /// @dev `found` and `evidence` are the receiver's.
    function _passLine(Passage memory passage, Line calldata line, uint256 index, uint16 found, bytes32 evidence)
        private
        returns (bytes memory reason)
    {
        Trail storage trail = _trails[line.item];
        (Standing its, uint48 stay) = _look(trail);
        reason = _checkHeld(its, line.item, line.number, passage.giver, passage.released);
        if (reason.length == 0 && !its.mayMove()) reason = abi.encodeWithSelector(NotClosed.selector, line.item);
        if (reason.length != 0) return reason;

        its = its.advanced(passage.receiver, passage.received);
        _write(line.item, trail, its, stay, passage.digest, index);
        // Safety: there are at most 500 lines.
        emit ItemHandedOff(
            line.item,
            passage.digest,
            uint16(index),
            its.recordsOf(),
            its.numberOf(),
            line.condition,
            found,
            line.evidence,
            evidence
        );
    }
}
