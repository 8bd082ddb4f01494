/** Claiming with the concealed code: the code and its key stay on this device, only a signature leaves it (S6, S9). */

import { privateKeyToAddress, sign } from "viem/accounts";
import { concatHex, keccak256, numberToHex, stringToHex, toHex } from "viem/utils";
import { BadCode, checks, decode, letters } from "./base32.js";
import { digestOf, domainOf } from "./signed.js";

const SECRET_BYTES = 16;
const LETTERS = 28;
const KEY_TAG = stringToHex("posthorn.claim.key.1");
const CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** The secret in a claim code, typed in any case with any blanks, or its whole URL (stamps/claim.parse_claim). Throws BadCode. */
export function parseClaim(text) {
  const code = letters(text.slice(text.lastIndexOf("#") + 1));
  if (code.length !== LETTERS) throw new BadCode(`it has ${code.length} characters, a claim code has ${LETTERS}`);
  const secret = decode(code.slice(0, -2), SECRET_BYTES);
  if (!checks(code)) throw new BadCode("one or more of its characters are not what was printed");
  return toHex(secret);
}

/** The private key that signs a claim of the stamp (stamps/claim.claim_key). `stamp` is a BigInt. */
export function claimKey(secret, stamp) {
  const material = keccak256(concatHex([KEY_TAG, numberToHex(stamp, { size: 8 }), secret]));
  return numberToHex((BigInt(material) % (CURVE_ORDER - 1n)) + 1n, { size: 32 });
}

/** The body that the API takes, and its record's digest: a claim where `record` says to whom, else the showing of the original. */
export async function signedTwin(contracts, record, key, proof) {
  const domain = domainOf("CryptoStamp", contracts.chainId, contracts.stamps);
  const digest = digestOf(domain, record.to ? "Claim" : "Original", record);
  const { r, s, yParity } = await sign({ hash: digest, privateKey: key });
  const vs = BigInt(s) | (BigInt(yParity) << 255n);
  const signature = `${r}${vs.toString(16).padStart(64, "0")}`;
  return { digest, signed: { ...record, claim_key: privateKeyToAddress(key).toLowerCase(), signature, proof } };
}
