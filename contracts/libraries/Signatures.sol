// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {WebAuthn} from "@openzeppelin/contracts/utils/cryptography/WebAuthn.sol";

import {KeyKind} from "../interfaces/IPostalNetwork.sol";
import {IRecords} from "../interfaces/IRecords.sol";

/// @title How a signature by a key of each kind is checked (N3)
/// @dev The kind that was stored with the key decides, never the length of a signature or code at an address. One
/// encoding for each kind:
///
/// secp256k1  r, vs (EIP-2098), 64 bytes. The key is the signer's address.
/// P-256      qx, qy, r, s, 128 bytes; s in the lower half.
/// passkey    qx, qy, then abi.encode(r, s, challengeIndex, typeIndex, authenticatorData, clientDataJSON) of a WebAuthn
///            assertion whose challenge is the digest, with the user verified; s in the lower half.
///
/// A P-256 or passkey key is the lower 160 bits of keccak256(abi.encode(qx, qy, rpIdHash)), rpIdHash 0 for P-256. The
/// public key comes with the signature: so it costs calldata instead of three cold slots, and a trail can be checked
/// from logs alone (G4). Nothing here is called with a cap on gas and nothing reverts on a bad signature (G2, G3).
library Signatures {
    uint256 private constant COMPACT = 64;
    uint256 private constant POINT = 64;
    uint256 private constant RAW_P256 = 128;
    /// @dev WebAuthn level 2, section 6.1: rpIdHash, flags, counter.
    uint256 private constant SHORTEST_AUTHENTICATOR_DATA = 37;

    /// @return reason empty, or {IRecords-SignatureLength} or {IRecords-WrongSignature}, encoded
    function check(KeyKind kind, address key, bytes32 digest, bytes calldata signature)
        internal
        view
        returns (bytes memory reason)
    {
        if (kind == KeyKind.Secp256k1) return checkSecp256k1(key, digest, signature);
        bool good = false;
        if (kind == KeyKind.P256) {
            if (signature.length != RAW_P256) return _badLength(signature);
            good = _checkP256(key, digest, signature);
        } else if (kind == KeyKind.Passkey) {
            if (signature.length <= POINT) return _badLength(signature);
            good = _checkPasskey(key, digest, signature);
        }
        if (!good) return abi.encodeWithSelector(IRecords.WrongSignature.selector, key, digest);
    }

    /// @return reason as of {check}
    function checkSecp256k1(address key, bytes32 digest, bytes calldata signature)
        internal
        pure
        returns (bytes memory reason)
    {
        if (signature.length != COMPACT) return _badLength(signature);
        if (signerOf(digest, signature) != key) {
            return abi.encodeWithSelector(IRecords.WrongSignature.selector, key, digest);
        }
    }

    /// @dev The key that made a signature of 64 bytes, or 0. Callers must refuse 0 or compare with a key that is not 0.
    function signerOf(bytes32 digest, bytes calldata signature) internal pure returns (address signer) {
        (bytes32 r, bytes32 vs) = abi.decode(signature, (bytes32, bytes32));
        // Whatever went wrong, the signer is 0, which no key is.
        // slither-disable-next-line unused-return
        (signer,,) = ECDSA.tryRecover(digest, r, vs);
    }

    function _checkP256(address key, bytes32 digest, bytes calldata signature) private view returns (bool) {
        (bytes32 qx, bytes32 qy, bytes32 r, bytes32 s) =
            abi.decode(signature, (bytes32, bytes32, bytes32, bytes32));
        return key == _keyOf(qx, qy, 0) && P256.verify(digest, r, s, qx, qy);
    }

    function _checkPasskey(address key, bytes32 digest, bytes calldata signature) private view returns (bool) {
        (bytes32 qx, bytes32 qy) = abi.decode(signature[:POINT], (bytes32, bytes32));
        (bool decoded, WebAuthn.WebAuthnAuth calldata auth) = WebAuthn.tryDecodeAuth(signature[POINT:]);
        if (!decoded || auth.authenticatorData.length < SHORTEST_AUTHENTICATOR_DATA) return false;
        // OpenZeppelin's check reads memory at this index before it compares it with the length: a far one would take all
        // gas, and with it the batch (G2).
        if (auth.typeIndex >= bytes(auth.clientDataJSON).length) return false;
        // It asks neither relying party nor origin: the first is in the key, the second is looked at
        // where the assertion is made.
        bytes32 rpIdHash = bytes32(auth.authenticatorData[:32]);
        return key == _keyOf(qx, qy, rpIdHash) && WebAuthn.verify(abi.encodePacked(digest), auth, qx, qy);
    }

    function _keyOf(bytes32 qx, bytes32 qy, bytes32 rpIdHash) private pure returns (address) {
        // Safety: cut to the width of an address, as the key was when its right was granted.
        return address(uint160(uint256(keccak256(abi.encode(qx, qy, rpIdHash)))));
    }

    function _badLength(bytes calldata signature) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IRecords.SignatureLength.selector, signature.length);
    }
}
