// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICryptoStamp} from "../../contracts/interfaces/ICryptoStamp.sol";
import {ICustodyLedger} from "../../contracts/interfaces/ICustodyLedger.sol";
import {IPostalNetwork, KeyKind} from "../../contracts/interfaces/IPostalNetwork.sol";
import {Digests} from "./Digests.sol";
import {vm} from "./Vm.sol";

/// @notice The three contracts as they are built for the chain, and everybody by name: two operators with three
/// custodians each. Custodian `who` is 0 to 5.
abstract contract World {
    uint256 internal constant CUSTODIANS = 6;
    uint40 internal constant FOR_EVER = type(uint40).max;
    address internal constant STRANGER = address(0x57);

    IPostalNetwork public immutable network;
    ICustodyLedger public immutable ledger;
    ICryptoStamp public immutable stamps;
    Digests internal immutable ledgerDigests;
    Digests internal immutable stampDigests;

    address internal _governor = address(0x60);
    mapping(uint16 operator => address) internal _admins;

    constructor() {
        // tests/mutants/reverts.py
        vm.deal(address(uint160(uint256(keccak256("mutant")))), vm.envOr("MUTANT", uint256(0)));
        vm.warp(1_800_000_000);
        vm.roll(1_000);
        address ledgerAt = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        address stampsAt = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 2);
        network = IPostalNetwork(_create("PostalNetwork", abi.encode(_governor)));
        ledger = ICustodyLedger(_create("CustodyLedger", abi.encode(network, stampsAt)));
        stamps = ICryptoStamp(_create("CryptoStamp", abi.encode(network, ledgerAt)));
        require(address(ledger) == ledgerAt && address(stamps) == stampsAt, "created at other addresses");
        ledgerDigests = new Digests("CustodyLedger", ledgerAt);
        stampDigests = new Digests("CryptoStamp", stampsAt);
        for (uint16 operator = 1; operator <= 2; ++operator) {
            _admins[operator] = address(uint160(0xA0) + operator);
            vm.prank(_governor);
            network.admitOperator(operator, _admins[operator], "a post");
            vm.prank(_admins[operator]);
            network.addSubmitter(operator, _submitter(operator));
        }
        vm.recordLogs();
    }

    /// @dev A mutant of the contract lies in a folder of its own (tests/mutants).
    function _create(string memory name, bytes memory arguments) private returns (address created) {
        string memory folder = vm.envOr(string.concat("OUT_", name), "build/forge/contracts");
        bytes memory code = vm.getCode(string.concat(folder, "/", name, ".sol/", name, ".json"));
        code = bytes.concat(code, arguments);
        assembly ("memory-safe") {
            created := create(0, add(code, 32), mload(code))
        }
        require(created != address(0), "not created");
    }

    function _submitter(uint16 operator) internal pure returns (address) {
        return address(uint160(0xB0) + operator);
    }

    function _custodian(uint256 who) internal pure returns (uint40) {
        return (uint40(1 + (who % CUSTODIANS) / 3) << 24) | uint40(1 + who % 3);
    }

    /// @dev The reverse of {_custodian}.
    function _whoIs(uint256 custodian) internal pure returns (uint256) {
        return ((custodian >> 24) - 1) * 3 + (custodian & 0xffffff) - 1;
    }

    function _operatorOf(uint256 who) internal pure returns (uint16) {
        return uint16(_custodian(who) >> 24);
    }

    function _now() internal view returns (uint40) {
        return uint40(block.timestamp);
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 vs) = vm.signCompact(key, digest);
        return abi.encodePacked(r, vs);
    }
}
