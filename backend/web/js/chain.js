/** What the chain says of a trail or a stamp, read from one node and checked here: signatures, heads, times. */

import { ledger as ledgerAbi, network as networkAbi, stamps as stampsAbi } from "./abi.js";
import { decode } from "./base32.js";
import { isSignedBy, signerOf } from "./devices.js";
import { NoAnswer } from "./node.js";
import { digestOf, domainOf } from "./signed.js";

const CODE_BYTES = 78;
/** 0x-hex as a topic of 32 bytes. */
function topic(value) {
  return `0x${BigInt(value).toString(16).padStart(64, "0")}`;
}

/**
 * Which signatures of the records were not made by the key that had the right then: texts, empty if all were.
 *
 * A key reported lost later has no right on chain any more; what it signed before is judged by the
 * network's events (N3). Throws NoAnswer.
 */
export async function badSignatures(node, contracts, records) {
  const all = records.flatMap((entry) => entry.signed.map((one) => ({ ...one, entry })));
  const byCustodian = all.filter((one) => one.custodian);
  const rights = await node.views(
    byCustodian.map((one) => [contracts.network, networkAbi, "keyAt", [one.custodian, one.time]]),
  );
  const now = new Map(byCustodian.map((one, i) => [one, { key: rights[i][0], kind: rights[i][1] }]));
  const bad = [];
  for (const one of all) {
    const good = one.custodian
      ? (await isBy(now.get(one), one)) || (await hadRight(node, contracts, one))
      : (one.anyKey ?? [one.key]).map((key) => key.toLowerCase()).includes(await signerOf(one.digest, one.signature));
    if (!good) bad.push(`record ${one.entry.record}${one.entry.of ?? ""}`);
  }
  return bad;
}

function isBy({ kind, key }, { digest, signature }) {
  return isSignedBy(kind, key, digest, signature);
}

async function hadRight(node, contracts, one) {
  const history = await node.history(contracts.network, networkAbi, [null, topic(one.custodian)]);
  const granted = history.filter(
    (event) => event.name === "RightGranted" && event.from <= one.time && one.time < event.until,
  );
  for (const right of granted) {
    const lost = history.find((event) => event.name === "KeyCompromised" && event.key === right.key);
    if ((!lost || one.entry.block <= lost.block) && (await isBy(right, one))) return true;
  }
  return false;
}

/** A public code taken apart. Throws BadCode. */
export function parsePublicCode(payload) {
  const bytes = decode(payload, CODE_BYTES);
  const hex = (from, to) => [...bytes.slice(from, to)].map((b) => b.toString(16).padStart(2, "0")).join("");
  return {
    version: bytes[0],
    alias: bytes[1] * 256 + bytes[2],
    stamp: BigInt(`0x${hex(3, 11)}`),
    hint: `0x${hex(11, 14)}`,
    signature: `0x${hex(14, 78)}`,
  };
}

/** Who signed a public code, and whether the chain knows that key as a stamp signer of the post that the code names. */
export async function codeSigner(node, contracts, code) {
  const domain = domainOf("CryptoStamp", contracts.chainId, contracts.stamps);
  const signer = await signerOf(digestOf(domain, "PublicCode", { stamp: code.stamp }), code.signature);
  if (!signer?.startsWith(code.hint)) return { signer, added: 0, revoked: 0 };
  const operator = Number(code.stamp >> 48n);
  const [found] = await node.views([[contracts.network, networkAbi, "stampSigner", [operator, signer]]]);
  return { signer, added: found.addedBlock, revoked: found.revokedBlock };
}

/** Where a stamp stands on chain: issued, used (block, custodian, time, kind, digest), void, twin (0 none, 1 sealed, 2 claimed). */
export async function stampOnChain(node, contracts, stamp) {
  const views = ["issued", "useOf", "twinOf"].map((name) => [contracts.stamps, stampsAbi, name, [stamp]]);
  const [issued, [block, isVoid], twin] = await node.views(views);
  const use = block && !isVoid ? await useIn(node, contracts, stamp, block) : null;
  return { issued, isVoid, twin, use };
}

async function useIn(node, contracts, stamp, block) {
  const blockHash = await node.blockHash(block);
  const asked = [contracts.stamps, stampsAbi, blockHash, [null, topic(stamp)]];
  const [events] = await node.events([asked]);
  const use = events.find((event) => event.name === "Franked" || event.name === "StampCancelled");
  if (!use) throw new NoAnswer("the node does not show how the stamp was used");
  return { block, custodian: use.custodian, time: use.time, kind: use.kind ?? 0 };
}

/** Head, record count and holder of an item, and the places of custodians, as contracts answer now. */
export async function standingOf(node, contracts, item, custodians) {
  const calls = [
    [contracts.ledger, ledgerAbi, "headOf", [item]],
    [contracts.ledger, ledgerAbi, "itemOf", [item]],
    ...custodians.map((number) => [contracts.network, networkAbi, "custodian", [number]]),
  ];
  const [head, standing, ...known] = await node.views(calls);
  const places = new Map(custodians.map((number, i) => [number, textOf(known[i].place)]));
  return { head, records: standing.records, holder: standing.holder, places };
}

/** The heads that the chain keeps of receptacles `{item, number, opened}`: at their opening, or now. */
export async function receptacleHeads(node, contracts, receptacles) {
  const answers = await node.views(
    receptacles.map(({ item, number, opened }) =>
      opened ? [contracts.ledger, ledgerAbi, "receptacleOf", [number]] : [contracts.ledger, ledgerAbi, "headOf", [item]],
    ),
  );
  return answers.map((answer) => answer.headAtOpening ?? answer);
}

function textOf(bytes12) {
  const codes = bytes12.slice(2).match(/../g).map((pair) => parseInt(pair, 16));
  return String.fromCharCode(...codes.filter(Boolean));
}
