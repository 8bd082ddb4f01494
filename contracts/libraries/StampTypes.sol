// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Cancel, Claim, Issue, Original, Void} from "../interfaces/ICryptoStamp.sol";

/// @title EIP-712 hashes of what is signed for, or identified at, {CryptoStamp}
/// @dev A struct of value types is encoded by `abi.encode` exactly as EIP-712 wants it: each member in a word.
library StampTypes {
    bytes32 private constant ISSUE_TYPE = keccak256("Issue(uint32 edition,uint32 first,uint32 last,uint40 custodian)");
    bytes32 private constant VOID_TYPE = keccak256("Void(uint32 edition,uint32 first,uint32 last,uint16 reason)");
    bytes32 private constant CANCEL_TYPE =
        keccak256("Cancel(uint40 custodian,uint40 time,uint16 kind,bytes32 item,uint64[] stamps)");
    bytes32 private constant CLAIM_TYPE = keccak256("Claim(uint64 stamp,address to,uint40 deadline)");
    bytes32 private constant ORIGINAL_TYPE = keccak256("Original(uint64 stamp,uint40 deadline)");

    function hash(Issue calldata i) internal pure returns (bytes32) {
        return keccak256(abi.encode(ISSUE_TYPE, i));
    }

    function hash(Void calldata v) internal pure returns (bytes32) {
        return keccak256(abi.encode(VOID_TYPE, v));
    }

    function hash(Cancel calldata c) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(CANCEL_TYPE, c.custodian, c.time, c.kind, c.item, keccak256(abi.encodePacked(c.stamps)))
            );
    }

    function hash(Claim calldata c) internal pure returns (bytes32) {
        return keccak256(abi.encode(CLAIM_TYPE, c));
    }

    function hash(Original calldata o) internal pure returns (bytes32) {
        return keccak256(abi.encode(ORIGINAL_TYPE, o));
    }

    /// @dev S1: the leaf of a stamp in its edition's tree, hashed twice: a leaf's preimage is as long as an inner
    /// node's.
    function leaf(uint64 stamp, address claimKey) internal pure returns (bytes32) {
        return keccak256(bytes.concat(keccak256(abi.encode(uint256(stamp), claimKey))));
    }
}
