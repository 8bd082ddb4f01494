// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {IPostalNetwork} from "./interfaces/IPostalNetwork.sol";
import {IRecords} from "./interfaces/IRecords.sol";
import {Signatures} from "./libraries/Signatures.sol";

/// @title What the ledger and the stamps check of every signed record
/// @dev A check returns the encoded error it would revert with, empty when all is well (G2). No check makes a call with
/// a gas cap, and every call that fails reverts the whole transaction: too little gas can make no record look refused
/// (G3).
abstract contract SignedRecords is IRecords, EIP712 {
    uint256 internal constant LATE_UPLOAD = 14 days;
    uint256 internal constant CLOCK_AHEAD = 5 minutes;
    // Only the ledger has an order of events; it stands here beside the other times of C5.
    // slither-disable-next-line unused-state
    uint256 internal constant CLOCK_BEHIND = 15 minutes;
    uint256 internal constant LONGEST_OFFER = 14 days;

    IPostalNetwork public immutable network;

    constructor(string memory name, IPostalNetwork network_) EIP712(name, "1") {
        network = network_;
    }

    /// @dev C5: the event time against the block.
    function _checkTime(uint40 time) internal view returns (bytes memory reason) {
        uint256 oldest = block.timestamp - LATE_UPLOAD;
        uint256 latest = block.timestamp + CLOCK_AHEAD;
        if (time < oldest) return abi.encodeWithSelector(TimeTooOld.selector, time, oldest);
        if (time > latest) return abi.encodeWithSelector(TimeAhead.selector, time, latest);
    }

    /// @dev C5: the deadline against the event time.
    function _checkOffer(uint40 time, uint40 deadline) internal view returns (bytes memory reason) {
        uint256 latest = time + LONGEST_OFFER;
        if (deadline > latest) return abi.encodeWithSelector(DeadlineTooFar.selector, deadline, latest);
        return _checkDeadline(deadline);
    }

    function _checkDeadline(uint40 deadline) internal view returns (bytes memory reason) {
        if (block.timestamp > deadline) {
            return abi.encodeWithSelector(PastDeadline.selector, deadline, block.timestamp);
        }
    }

    /// @dev N3, N4: `signature` over `digest` is by the key that may sign for the custodian at the event time.
    function _checkCustodian(uint40 custodian, uint40 time, bytes32 digest, bytes calldata signature)
        internal
        view
        returns (bytes memory reason)
    {
        return network.checkSigned(custodian, time, digest, signature);
    }

    /// @dev `signature` is by a key of no custodian: a recipient's or sender's.
    function _checkKey(address key, bytes32 digest, bytes calldata signature)
        internal
        pure
        returns (bytes memory reason)
    {
        return Signatures.checkSecp256k1(key, digest, signature);
    }

    /// @dev What the single call of a record does with a reason.
    function _orRevert(bytes memory reason) internal pure {
        if (reason.length == 0) return;
        // Safety: reverts with the bytes of `reason`, which lie behind its length. Solidity reverts with no bytes of ours.
        // slither-disable-next-line assembly
        assembly ("memory-safe") { // solhint-disable-line no-inline-assembly
            revert(add(reason, 32), mload(reason))
        }
    }

    /// @dev What the batch call of a record does with a reason.
    function _orRefuse(uint256 index, bytes32 digest, bytes memory reason) internal {
        if (reason.length != 0) emit Refused(index, digest, reason);
    }
}
