/** What the chain says of a trail or a stamp, read from one node and checked here: signatures, heads, times. */

import { recoverAddress } from "viem/utils";
import { ledger as ledgerAbi, network as networkAbi, stamps as stampsAbi } from "./abi.js";
import { decode } from "./base32.js";
import { NoAnswer } from "./node.js";
import { digestOf, domainOf, lineHash, nextHead, releaseDigest } from "./signed.js";

const ZERO32 = `0x${"00".repeat(32)}`;
const CODE_BYTES = 78;
const OWN_RECORDS = {
  Accepted: ["Acceptance", "acceptance"],
  Ended: ["End", "end"],
  TakenUp: ["TakeUp", "takeUp"],
  Recalled: ["Recall", "recall"],
  Reported: ["Report", "report"],
  Delivered: ["Delivery", "delivery"],
};

/** 0x-hex as a topic of 32 bytes. */
function topic(value) {
  return `0x${BigInt(value).toString(16).padStart(64, "0")}`;
}

/**
 * The records of an item as the chain's logs tell them, in order.
 *
 * `blocks` are the hashes of the blocks that the server named. Each record: record, digest, line, time,
 * actor, receiver, given, found, code, and `signed`: the signatures with what they are over and whose
 * key (custodian and time, or an address) must have made them. Throws NoAnswer, Differs.
 */
export async function recordsOf(node, contracts, item, blocks) {
  const domain = domainOf("CustodyLedger", contracts.chainId, contracts.ledger);
  const asked = blocks.map((block) => [contracts.ledger, ledgerAbi, block, [null, item]]);
  const found = (await node.events(asked)).flat().filter((event) => event.name !== "Refused");
  const lines = found.filter((event) => event.name === "ItemHandedOff");
  const wholes = await node.events(
    lines.map((line) => [contracts.ledger, ledgerAbi, line.blockHash, [null, line.digest]]),
  );
  const handOffs = new Map(
    wholes.flat().filter((event) => event.name === "HandedOff").map((event) => [event.digest, event]),
  );
  return found
    .map((event) =>
      event.name === "ItemHandedOff"
        ? handedOff(domain, event, handOffs.get(event.digest))
        : alone(domain, event),
    )
    .sort((a, b) => a.record - b.record);
}

function alone(domain, event) {
  const [type, field] = OWN_RECORDS[event.name];
  const struct = event[field];
  const digest = digestOf(domain, type, struct);
  const actor = struct.custodian ?? struct.giver ?? struct.reporter;
  const signed = [
    { digest, signature: event.signature ?? event.giverSignature, custodian: actor, time: struct.time },
  ];
  if (event.name === "Delivered") {
    signed.push({ digest, signature: event.recipientSignature, key: struct.recipient });
  }
  if (actor === 0) signed[0].anyKey = [event.keys.recipient, event.keys.sender];
  return {
    kind: event.name,
    record: event.record ?? 1,
    digest: event.digest,
    recomputed: digest,
    line: 0,
    block: event.block,
    time: struct.time,
    actor,
    found: struct.condition,
    code: struct.mode ?? struct.code ?? struct.reason ?? null,
    signed,
  };
}

function handedOff(domain, line, whole) {
  if (!whole) throw new NoAnswer("the node shows a line of a hand-off without the hand-off");
  const release = releaseDigest(domain, whole);
  const hash = lineHash(line.item, line.number - 1, line.conditionGiven, line.evidenceGiven);
  const fits = whole.lines[line.line] === hash && whole.receipt.release === release;
  const digest = digestOf(domain, "Receipt", whole.receipt);
  return {
    kind: line.name,
    record: line.record,
    digest: line.digest,
    recomputed: fits ? digest : ZERO32,
    line: line.line,
    block: line.block,
    time: whole.receipt.time,
    released: whole.released,
    actor: whole.giver,
    receiver: whole.receiver,
    given: line.conditionGiven,
    found: line.conditionFound,
    code: null,
    signed: [
      { digest: release, signature: whole.giverSignature, custodian: whole.giver, time: whole.released },
      { digest, signature: whole.receiverSignature, custodian: whole.receiver, time: whole.receipt.time },
    ],
  };
}

/** The head that follows from the records; null where a record is missing or its digest does not fit. */
export function headFrom(records) {
  let head = ZERO32;
  for (const [index, entry] of records.entries()) {
    if (entry.record !== index + 1 || entry.recomputed !== entry.digest) return null;
    head = nextHead(head, entry.digest, entry.line);
  }
  return head;
}

/** The address that made a signature of 64 bytes (r | vs, EIP-2098); null where no key did. */
export async function signerOf(hash, signature) {
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

/**
 * Which signatures of the records were not made by the key that had the right then: texts, empty if all were.
 *
 * A key reported lost later has no right on chain any more; what it signed before is judged by the
 * network's events (N3). Throws NoAnswer.
 */
export async function badSignatures(node, contracts, records) {
  const all = records.flatMap((entry) => entry.signed.map((one) => ({ ...one, entry })));
  const byCustodian = all.filter((one) => one.custodian);
  const keys = await node.views(
    byCustodian.map((one) => [contracts.network, networkAbi, "keyAt", [one.custodian, one.time]]),
  );
  const expected = new Map(byCustodian.map((one, i) => [one, [keys[i][0].toLowerCase()]]));
  const bad = [];
  for (const one of all) {
    const signer = await signerOf(one.digest, one.signature);
    const good = expected.get(one) ?? (one.anyKey ?? [one.key]).map((key) => key.toLowerCase());
    if (good.includes(signer)) continue;
    if (one.custodian && (await hadRight(node, contracts, one, signer))) continue;
    bad.push(`record ${one.entry.record}`);
  }
  return bad;
}

async function hadRight(node, contracts, one, signer) {
  const history = await node.history(contracts.network, networkAbi, [null, topic(one.custodian)]);
  const granted = history.some(
    (event) =>
      event.name === "RightGranted" &&
      event.key.toLowerCase() === signer &&
      event.from <= one.time &&
      one.time < event.until,
  );
  const lost = history.find(
    (event) => event.name === "KeyCompromised" && event.key.toLowerCase() === signer,
  );
  return granted && (!lost || one.entry.block <= lost.block);
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

function textOf(bytes12) {
  const codes = bytes12.slice(2).match(/../g).map((pair) => parseInt(pair, 16));
  return String.fromCharCode(...codes.filter(Boolean));
}
