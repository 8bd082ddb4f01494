// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "../../contracts/interfaces/ICryptoStamp.sol";
import "../../contracts/interfaces/ICustodyLedger.sol";
import {LedgerTypes} from "../../contracts/libraries/LedgerTypes.sol";
import {StampTypes} from "../../contracts/libraries/StampTypes.sol";

/// @notice EIP-712 digests of what is signed, under one contract's domain. That the hashes of the structs are right is
/// shown against forge's own encoder in DigestsTest.
contract Digests {
    bytes32 private constant DOMAIN_TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    bytes32 public immutable domain;

    constructor(string memory name, address verifying) {
        domain = keccak256(abi.encode(DOMAIN_TYPE, keccak256(bytes(name)), keccak256("1"), block.chainid, verifying));
    }

    function _digest(bytes32 hash) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domain, hash));
    }

    function digest(Acceptance calldata signed) external view returns (bytes32) {
        return _digest(LedgerTypes.hash(signed));
    }

    function digest(Release calldata signed) external view returns (bytes32) {
        return _digest(LedgerTypes.hash(signed, LedgerTypes.hashLines(signed.lines)));
    }

    function digest(ForcedRelease calldata signed) external view returns (bytes32) {
        return _digest(LedgerTypes.hash(signed, LedgerTypes.hashLines(signed.lines)));
    }

    function digest(Receipt calldata signed) external view returns (bytes32) {
        return _digest(LedgerTypes.hash(signed));
    }

    function digest(Delivery calldata signed) external view returns (bytes32) {
        return _digest(LedgerTypes.hash(signed));
    }

    function digest(End calldata signed) external view returns (bytes32) {
        return _digest(LedgerTypes.hash(signed));
    }

    function digest(TakeUp calldata signed) external view returns (bytes32) {
        return _digest(LedgerTypes.hash(signed));
    }

    function digest(Recall calldata signed) external view returns (bytes32) {
        return _digest(LedgerTypes.hash(signed));
    }

    function digest(Report calldata signed) external view returns (bytes32) {
        return _digest(LedgerTypes.hash(signed));
    }

    function digest(Packing calldata signed) external view returns (bytes32) {
        return _digest(LedgerTypes.hash(signed));
    }

    function digest(Closing calldata signed) external view returns (bytes32) {
        return _digest(LedgerTypes.hash(signed));
    }

    function digest(Opening calldata signed) external view returns (bytes32) {
        return _digest(LedgerTypes.hash(signed));
    }

    function digest(Cancel calldata signed) external view returns (bytes32) {
        return _digest(StampTypes.hash(signed));
    }

    function digest(Claim calldata signed) external view returns (bytes32) {
        return _digest(StampTypes.hash(signed));
    }

    function digest(Original calldata signed) external view returns (bytes32) {
        return _digest(StampTypes.hash(signed));
    }
}
