/** Signing for a delivery with the delivery code: the code stays on this device, only a signature leaves it (C4). */

import { sign } from "viem/accounts";
import { concatHex, sha256, stringToHex, toHex } from "viem/utils";
import { decode } from "./base32.js";
import { digestOf, domainOf } from "./signed.js";

const TRAIL_CODE_BYTES = 16;

/** The private key that a delivery code gives for one item (usecases/deliver.delivery_key_seed). */
export function deliveryKey(code, trailCode) {
  const cleaned = code.trim().toUpperCase().replace(/[ -]/g, "");
  const salt = toHex(decode(trailCode, TRAIL_CODE_BYTES));
  return sha256(concatHex([stringToHex("posthorn.delivery."), salt, stringToHex(cleaned)]));
}

/** r | vs (EIP-2098) over a delivery, 0x-hex of 64 bytes. */
export async function signDelivery(contracts, delivery, privateKey) {
  const domain = domainOf("CustodyLedger", contracts.chainId, contracts.ledger);
  const { r, s, yParity } = await sign({ hash: digestOf(domain, "Delivery", delivery), privateKey });
  const vs = BigInt(s) | (BigInt(yParity) << 255n);
  return `${r}${vs.toString(16).padStart(64, "0")}`;
}
