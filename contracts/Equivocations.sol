// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICustodyLedger, Line} from "./interfaces/ICustodyLedger.sol";
import {LedgerTypes} from "./libraries/LedgerTypes.sol";
import {HandOffs} from "./HandOffs.sol";

/// @title Equivocations: evidence that a giver signed one item away twice (C10)
abstract contract Equivocations is HandOffs {
    /// @inheritdoc ICustodyLedger
    function proveEquivocation(
        HandOff calldata first,
        uint256 firstLine,
        HandOff calldata second,
        uint256 secondLine
    ) external {
        bytes32 firstRelease = _complete(first, firstLine);
        bytes32 secondRelease = _complete(second, secondLine);
        Line calldata line = first.release.lines[firstLine];
        Line calldata other = second.release.lines[secondLine];
        // One release is signed away once, however many receipts its receiver signs for it.
        bool same = first.release.giver == second.release.giver && line.item == other.item
            && line.number == other.number && firstRelease != secondRelease;
        // An offer that had lapsed when the other was made is no second one.
        bool overlap = first.release.time <= second.release.time && second.release.time < first.release.deadline;
        if (!same || !overlap) revert NoEquivocation(firstRelease, secondRelease);
        bool rising = firstRelease < secondRelease;
        bytes32 pair = keccak256(
            abi.encode(line.item, rising ? firstRelease : secondRelease, rising ? secondRelease : firstRelease)
        );
        _orRevert(_checkNew(pair));

        recordedAt[pair] = block.number;
        emit Equivocated(line.item, first.release.giver, line.number, first, second);
    }

    /// @dev The release's digest of a hand-off that received this line, signed by both with rights at their times.
    /// Suspension is not asked: what was signed was signed.
    function _complete(HandOff calldata signed, uint256 line) private view returns (bytes32 released) {
        bytes32[] memory lines = LedgerTypes.hashLines(signed.release.lines);
        released = _hashTypedDataV4(LedgerTypes.hash(signed.release, lines));
        bytes32 digest = _hashTypedDataV4(LedgerTypes.hash(signed.receipt));
        if (signed.receipt.release != released) revert OtherRelease(signed.receipt.release, released);
        if (line >= lines.length || !_isReceived(signed.receipt.received, line)) {
            revert NoEquivocation(released, digest);
        }
        _orRevert(network.checkRight(signed.release.giver, signed.release.time, released, signed.giverSignature));
        _orRevert(
            network.checkRight(signed.release.receiver, signed.receipt.time, digest, signed.receiverSignature)
        );
    }
}
