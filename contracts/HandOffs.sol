// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Finding, ICustodyLedger, Line, Receipt, Release} from "./interfaces/ICustodyLedger.sol";
import {LedgerTypes} from "./libraries/LedgerTypes.sol";
import {Trails} from "./Trails.sol";

/// @title Hand-offs: the part of the ledger that moves lists of items between custodians (C2, C3)
abstract contract HandOffs is Trails {
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
        bytes32[] memory lines = LedgerTypes.hashLines(release.lines);
        digest = _hashTypedDataV4(LedgerTypes.hash(signed.receipt));
        reason = _checkShape(release, signed.receipt);
        if (reason.length == 0) reason = _checkParties(digest, lines, signed);
        if (reason.length == 0) reason = _passLines(digest, release, signed.receipt);
        if (reason.length != 0) return (digest, reason);

        emit HandedOff(
            digest,
            release.giver,
            release.receiver,
            release.time,
            release.deadline,
            lines,
            signed.receipt,
            signed.giverSignature,
            signed.receiverSignature
        );
    }

    /// @dev C2: counts, bitmap and findings fit together.
    function _checkShape(Release calldata release, Receipt calldata receipt)
        private
        pure
        returns (bytes memory reason)
    {
        uint256 count = release.lines.length;
        if (count == 0 || count > MOST_LINES) return abi.encodeWithSelector(LineCount.selector, count);
        if (release.giver == release.receiver) {
            return abi.encodeWithSelector(GiverIsReceiver.selector, release.giver);
        }
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

    function _isReceived(uint256[] calldata received, uint256 line) private pure returns (bool) {
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
        if (receipt.time + CLOCK_BEHIND < release.time) {
            return abi.encodeWithSelector(ReceiptBeforeRelease.selector, receipt.time, release.time);
        }
        reason = _checkTime(release.time);
        if (reason.length == 0) reason = _checkTime(receipt.time);
        if (reason.length == 0) reason = _checkOffer(release.time, release.deadline);
        if (reason.length == 0) {
            reason = _checkCustodian(release.giver, release.time, released, signed.giverSignature);
        }
        if (reason.length == 0) {
            reason = _checkCustodian(release.receiver, receipt.time, digest, signed.receiverSignature);
        }
    }

    /// @dev C3: records the received lines that count and tells of those that do not.
    /// @return refused empty if any line counts, else the reason of the first
    function _passLines(bytes32 digest, Release calldata release, Receipt calldata receipt)
        private
        returns (bytes memory refused)
    {
        Passage memory passage = Passage(digest, release.giver, release.receiver, release.time, receipt.time, 0, false);
        Line[] calldata lines = release.lines;
        uint256[] calldata received = receipt.received;
        Finding[] calldata findings = receipt.findings;
        for (uint256 i = 0; i < lines.length; ++i) {
            if (!_isReceived(received, i)) continue;
            bytes memory reason = _passLine(passage, lines[i], _findingOf(passage, findings, i, lines[i].condition));
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
        returns (Finding memory finding)
    {
        if (passage.findings < findings.length && findings[passage.findings].line == line) {
            return findings[passage.findings++];
        }
        // Safety: there are at most 500 lines.
        return Finding(uint16(line), given, 0);
    }

    function _passLine(Passage memory passage, Line calldata line, Finding memory finding)
        private
        returns (bytes memory reason)
    {
        Trail storage trail = _trails[line.item];
        reason = _checkHeld(trail.item, line.item, line.number, passage.giver, passage.released);
        if (reason.length != 0) return reason;

        (uint32 record, uint32 number) = _advance(trail.item, passage.receiver, passage.received);
        _extend(trail, passage.digest, finding.line);
        emit ItemHandedOff(
            line.item,
            passage.digest,
            finding.line,
            record,
            number,
            line.condition,
            finding.condition,
            line.evidence,
            finding.evidence
        );
    }
}
