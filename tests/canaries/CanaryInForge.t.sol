// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Fails on purpose.
contract CanaryInForge {
    function test_canary() external pure {
        require(1 + 1 == 3, "the canary");
    }
}
