// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {vm} from "./Vm.sol";

/// @notice The Merkle tree of an edition's claim keys (S1), as OpenZeppelin's standard tree pairs it, for a supply of
/// eight.
library StampTree {
    /// @param tree the keys of a range may be replaced once (S10): 0 first, then 1
    function keyOf(uint64 stamp, uint256 tree) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode("claim key", stamp, tree))) >> 8;
    }

    function leaves(uint64 first, uint32 supply, uint256 tree) internal pure returns (bytes32[] memory all) {
        all = new bytes32[](supply);
        for (uint64 i = 0; i < supply; ++i) {
            all[i] = keccak256(bytes.concat(keccak256(abi.encode(uint256(first + i), vm.addr(keyOf(first + i, tree))))));
        }
    }

    function root(bytes32[] memory level) internal pure returns (bytes32) {
        while (level.length > 1) {
            level = _above(level);
        }
        return level[0];
    }

    /// @param place of the leaf, from 0
    function proof(bytes32[] memory level, uint256 place) internal pure returns (bytes32[] memory siblings) {
        siblings = new bytes32[](3);
        for (uint256 depth = 0; level.length > 1; ++depth) {
            siblings[depth] = level[place ^ 1];
            (level, place) = (_above(level), place >> 1);
        }
    }

    function _above(bytes32[] memory level) private pure returns (bytes32[] memory above) {
        above = new bytes32[](level.length / 2);
        for (uint256 i = 0; i < above.length; ++i) {
            (bytes32 a, bytes32 b) = (level[2 * i], level[2 * i + 1]);
            above[i] = a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
        }
    }
}
