/** Signatures by key of each kind, as contracts/libraries/Signatures.sol checks them (N3). The kind alone decides how. */

import { p256 } from "@noble/curves/p256";
import { decodeAbiParameters, hexToBytes, keccak256, recoverAddress, sha256, sliceHex, stringToHex } from "viem/utils";

const SECP256K1 = 1;
const P256 = 2;
const PASSKEY = 3;
const ZERO32 = `0x${"00".repeat(32)}`;
const POINT_BYTES = 64;
const RAW_BYTES = 128;
const ASSERTION = ["bytes32", "bytes32", "uint256", "uint256", "bytes", "bytes"].map((type) => ({ type }));
// WebAuthn level 2, section 6.1: rpIdHash, flags, counter.
const AUTHENTICATOR_BYTES = 37;
const [PRESENT, VERIFIED, ELIGIBLE, BACKED_UP] = [0x01, 0x04, 0x08, 0x10];

/** Whether a key, by its 20 bytes, made a signature over a hash. Never throws: what cannot be read was not signed. */
export async function isSignedBy(kind, key, hash, signature) {
  try {
    if (kind === SECP256K1) return (await signerOf(hash, signature)) === key.toLowerCase();
    if (kind === P256) return isByP256(key, hash, signature);
    return kind === PASSKEY && isByPasskey(key, hash, signature);
  } catch {
    return false;
  }
}

/** The address that made a signature of 64 bytes (r | vs, EIP-2098); null where no key did. */
export async function signerOf(hash, signature) {
  if (signature.length !== 130) return null;
  const r = signature.slice(2, 66);
  const vs = BigInt(`0x${signature.slice(66)}`);
  const s = (vs & ((1n << 255n) - 1n)).toString(16).padStart(64, "0");
  const v = vs >> 255n ? "1c" : "1b";
  try {
    return (await recoverAddress({ hash, signature: `0x${r}${s}${v}` })).toLowerCase();
  } catch {
    return null;
  }
}

function isByP256(key, hash, signature) {
  if (signature.length !== 2 + 2 * RAW_BYTES) return false;
  const point = sliceHex(signature, 0, POINT_BYTES);
  return keyOf(point, ZERO32) === key.toLowerCase() && verifies(point, hash, sliceHex(signature, POINT_BYTES));
}

function isByPasskey(key, hash, signature) {
  const point = sliceHex(signature, 0, POINT_BYTES);
  const [r, s, challengeAt, typeAt, authenticator, client] = decodeAbiParameters(ASSERTION, sliceHex(signature, POINT_BYTES));
  return (
    isFor(client, hash, Number(challengeAt), Number(typeAt)) &&
    isOfVerifiedUser(hexToBytes(authenticator)) &&
    keyOf(point, sliceHex(authenticator, 0, 32)) === key.toLowerCase() &&
    verifies(point, sha256(`${authenticator}${sha256(client).slice(2)}`), `${r}${s.slice(2)}`)
  );
}

/** The client data, as hex, speak of this challenge, at the places (in bytes) that the signature names. */
function isFor(client, hash, challengeAt, typeAt) {
  const digits = btoa(String.fromCharCode(...hexToBytes(hash)));
  const challenge = digits.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const says = (text, at) => client.startsWith(stringToHex(text).slice(2), 2 + 2 * at);
  return says('"type":"webauthn.get"', typeAt) && says(`"challenge":"${challenge}"`, challengeAt);
}

function isOfVerifiedUser(authenticator) {
  const flags = authenticator.length < AUTHENTICATOR_BYTES ? 0 : authenticator[32];
  const backedUpRightly = Boolean(flags & ELIGIBLE) || !(flags & BACKED_UP);
  return Boolean(flags & PRESENT) && Boolean(flags & VERIFIED) && backedUpRightly;
}

function keyOf(point, rpIdHash) {
  return `0x${keccak256(`${point}${rpIdHash.slice(2)}`).slice(26)}`;
}

/** ECDSA with s in the lower half. Not by WebCrypto: it hashes by itself, and pages over plain http have none. */
function verifies(point, hash, rs) {
  const publicKey = `04${point.slice(2)}`;
  return p256.verify(rs.slice(2), hash.slice(2), publicKey, { format: "compact", lowS: true, prehash: false });
}
