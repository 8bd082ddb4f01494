// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {vm} from "./Vm.sol";

/// @notice Invariants by their words. Where ONLY names one, that one alone counts: a mutant may break several, and has to
/// break its own (tests/mutants).
abstract contract Asked {
    bytes32 private immutable _only = keccak256(bytes(vm.envOr("ONLY", string(""))));

    function _must(bool holds, string memory rule) internal view {
        if (!holds && (_only == keccak256("") || _only == keccak256(bytes(rule)))) revert(rule);
    }
}
