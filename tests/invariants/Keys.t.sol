// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";

import {IPostalNetwork, KeyKind} from "../../contracts/interfaces/IPostalNetwork.sol";
import {IRecords} from "../../contracts/interfaces/IRecords.sol";
import {World} from "./World.sol";
import {vm} from "./Vm.sol";

/// @notice N3: a custodian with a key of each kind, as the network checks its signatures.
contract KeysTest is World {
    uint256 private constant ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551;
    bytes32 private constant RELYING_PARTY = sha256("posthorn.example");
    uint40 private constant SECP256K1 = (1 << 24) | 6;
    uint40 private constant P256 = (1 << 24) | 7;
    uint40 private constant PASSKEY = (1 << 24) | 8;

    function setUp() external {
        _enrol(SECP256K1, KeyKind.Secp256k1, vm.addr(0x70));
        _enrol(P256, KeyKind.P256, _keyOf(0x71, 0));
        _enrol(PASSKEY, KeyKind.Passkey, _keyOf(0x72, RELYING_PARTY));
    }

    function _enrol(uint40 number, KeyKind kind, address key) private {
        vm.prank(_admins[1]);
        network.enrol(number, 1, "here", IPostalNetwork.RightRequest(key, kind, 1, _now(), FOR_EVER));
    }

    function _keyOf(uint256 secret, bytes32 relyingParty) private pure returns (address) {
        return address(uint160(uint256(keccak256(bytes.concat(_point(secret), relyingParty)))));
    }

    function _point(uint256 secret) private pure returns (bytes memory) {
        (uint256 x, uint256 y) = vm.publicKeyP256(secret);
        return abi.encode(x, y);
    }

    /// @dev r and s, s in the lower half.
    function _numbers(uint256 secret, bytes32 digest) private pure returns (bytes32 r, bytes32 s) {
        (r, s) = vm.signP256(secret, digest);
        if (uint256(s) > ORDER / 2) s = bytes32(ORDER - uint256(s));
    }

    function _signP256(bytes32 digest) private pure returns (bytes memory) {
        (bytes32 r, bytes32 s) = _numbers(0x71, digest);
        return bytes.concat(_point(0x71), r, s);
    }

    /// @dev What an authenticator answers; present and verified is 0x05 (WebAuthn level 2, section 6.1).
    function _assert(bytes32 digest, bytes1 flags) private pure returns (bytes memory) {
        string memory challenge = Base64.encodeURL(abi.encodePacked(digest));
        string memory client = string.concat('{"type":"webauthn.get","challenge":"', challenge, '"}');
        bytes memory authenticator = abi.encodePacked(RELYING_PARTY, flags, uint32(1));
        (bytes32 r, bytes32 s) = _numbers(0x72, sha256(bytes.concat(authenticator, sha256(bytes(client)))));
        return bytes.concat(_point(0x72), abi.encode(r, s, uint256(23), uint256(1), authenticator, client));
    }

    function _refusal(uint40 number, bytes32 digest, bytes memory signature) private view returns (bytes4) {
        return bytes4(network.checkSigned(number, _now(), digest, signature));
    }

    function testFuzz_a_secp256k1_keys_own_signature_counts_and_no_other(bytes32 digest) external view {
        bytes memory signature = _sign(0x70, digest);
        require(_refusal(SECP256K1, digest, signature) == 0, "N3 the key's own is not good");
        require(_refusal(SECP256K1, ~digest, signature) == IRecords.WrongSignature.selector, "N3 of another digest");
        bytes memory longer = bytes.concat(signature, hex"00");
        require(_refusal(SECP256K1, digest, longer) == IRecords.SignatureLength.selector, "N3 of another length");
    }

    function testFuzz_a_p256_keys_own_signature_counts_and_no_other(bytes32 digest) external view {
        bytes memory signature = _signP256(digest);
        require(_refusal(P256, digest, signature) == 0, "N3 the key's own is not good");
        require(_refusal(P256, ~digest, signature) == IRecords.WrongSignature.selector, "N3 of another digest");
        bytes memory longer = bytes.concat(signature, hex"00");
        require(_refusal(P256, digest, longer) == IRecords.SignatureLength.selector, "N3 of another length");
    }

    function testFuzz_a_passkeys_own_assertion_counts_and_no_other(bytes32 digest) external view {
        bytes memory signature = _assert(digest, 0x05);
        require(_refusal(PASSKEY, digest, signature) == 0, "N3 the key's own is not good");
        require(_refusal(PASSKEY, ~digest, signature) == IRecords.WrongSignature.selector, "N3 of another digest");
        bytes memory unverified = _assert(digest, 0x01);
        require(_refusal(PASSKEY, digest, unverified) == IRecords.WrongSignature.selector, "N3 the user was not verified");
        require(_refusal(PASSKEY, digest, "short") == IRecords.SignatureLength.selector, "N3 of no length of a passkey's");
    }

    /// @dev G2: what would make a library read far or revert is a wrong signature and nothing else.
    function test_a_malformed_assertion_is_refused() external view {
        bytes memory point = _point(0x72);
        bytes4 wrong = IRecords.WrongSignature.selector;
        require(_refusal(PASSKEY, 0, bytes.concat(point, hex"01")) == wrong, "N3 an assertion that cannot be read");
        bytes memory short = abi.encode(bytes32(0), bytes32(0), uint256(0), uint256(0), hex"00", "{}");
        require(_refusal(PASSKEY, 0, bytes.concat(point, short)) == wrong, "N3 authenticator data is too short");
        bytes memory far = abi.encode(bytes32(0), bytes32(0), uint256(0), type(uint256).max, new bytes(37), "{}");
        require(_refusal(PASSKEY, 0, bytes.concat(point, far)) == wrong, "N3 a far type index");
    }
}
