/** The pages' scripts on golden vectors: digests, codes, heads, signatures, stories. Run by node --test. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { p256 } from "@noble/curves/p256";
import { privateKeyToAddress } from "viem/accounts";
import { decodeEventLog, decodeFunctionData, encodeAbiParameters, encodeFunctionResult, keccak256, sha256, toHex } from "viem/utils";
import { ledger as ledgerAbi, network as networkAbi } from "../../backend/web/js/abi.js";
import { BadCode, decode, encode } from "../../backend/web/js/base32.js";
import { badSignatures, parsePublicCode } from "../../backend/web/js/chain.js";
import { isSignedBy, signerOf } from "../../backend/web/js/devices.js";
import { claimKey, parseClaim, signedTwin } from "../../backend/web/js/claims.js";
import { deliveryKey, signDelivery } from "../../backend/web/js/delivery.js";
import { NoAnswer, Node } from "../../backend/web/js/node.js";
import { digestOf, domainOf, lineHash, nextHead, releaseDigest } from "../../backend/web/js/signed.js";
import { check, stampDifferences, trailDifferences } from "../../backend/web/js/ticks.js";
import { headFrom, trailsOf } from "../../backend/web/js/trails.js";
import { characterOf, Wedge } from "../../backend/web/js/wedge.js";

const read = (name) => JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url)));
const typed = read("typed_data");
const printed = read("stamps");
const golden = read("logs");
const trails = read("trails");
const ZERO32 = `0x${"00".repeat(32)}`;
const contracts = {
  chainId: golden.chain_id,
  network: golden.contracts.PostalNetwork,
  ledger: golden.contracts.CustodyLedger,
  stamps: golden.contracts.CryptoStamp,
};

/** A node that serves the golden logs, and answers views from them and from what Python folded. */
class GoldenNode {
  heads = Object.fromEntries(Object.entries(trails).map(([item, trail]) => [item, trail.head]));

  fetch = async (_, { body }) => {
    const answers = JSON.parse(body).map(({ id, method, params }) => ({ jsonrpc: "2.0", id, result: this[method](...params) }));
    return { json: async () => answers };
  };

  eth_chainId = () => toHex(golden.chain_id);
  eth_blockNumber = () => "0xb";
  logs = golden.logs;

  eth_getLogs({ address, topics, blockHash }) {
    const fits = (wanted, topic) => wanted === null || [wanted].flat().includes(topic);
    return this.logs
      .map((log) => ({
        ...log,
        blockNumber: toHex(log.block),
        blockHash: hashOf(log.block),
        logIndex: toHex(log.index),
        transactionHash: toHex(log.transaction, { size: 32 }),
      }))
      .filter((log) => log.address === address && (!blockHash || log.blockHash === blockHash))
      .filter((log) => topics.every((wanted, i) => fits(wanted, log.topics[i])));
  }

  eth_call({ to, data }) {
    const abi = to === contracts.network ? networkAbi : ledgerAbi;
    const { functionName, args } = decodeFunctionData({ abi, data });
    return encodeFunctionResult({ abi, functionName, result: this[functionName](...args) });
  }

  headOf = (item) => this.heads[item] ?? ZERO32;

  itemOf = (item) => ({
    holder: trails[item].holder, number: 0, records: trails[item].records.length, time: 0, state: 1,
    receptacle: 0, height: 0, closed: false, origin: 1,
  });

  /** C7: the journey of a receptacle, of which the pages read the head at its opening. */
  receptacleOf(number) {
    const opened = Object.values(trails).find((one) => one.number === number);
    const zeros = { item: ZERO32, contents: ZERO32, count: 0, closedBy: 0, openedBy: 0, openedAt: 0 };
    return { ...zeros, headAtOpening: opened.head_at_opening };
  }

  custodian = () => ({ kind: 1, place: toHex("", { size: 12 }), keyHolder: 1 });

  /** N3: a key that was lost has no right any more. */
  keyAt(custodian, time) {
    const events = this.#network().filter((event) => event.args.custodian === custodian);
    const lost = new Set(events.filter((e) => e.eventName === "KeyCompromised").map((e) => e.args.key));
    const right = events.findLast(
      (e) => e.eventName === "RightGranted" && e.args.from <= time && time < e.args.until && !lost.has(e.args.key),
    );
    return [right?.args.key ?? `0x${"00".repeat(20)}`, right?.args.kind ?? 0, "0x"];
  }

  #network() {
    const logs = this.logs.filter((log) => log.address === contracts.network);
    return logs.flatMap((log) => {
      try {
        return [decodeEventLog({ abi: networkAbi, topics: log.topics, data: log.data })];
      } catch {
        return [];
      }
    });
  }
}

function hashOf(block) {
  return keccak256(new TextEncoder().encode(`block ${block}`));
}

function asked(fake = new GoldenNode()) {
  return new Node("http://node.example", fake.fetch);
}

const subjectsOf = (item) => [
  { item, blocks: [...new Set(trails[item].records.map((one) => one.blockHash))] },
  ...trails[item].receptacles,
];
const recordsOf = async (node, item) => (await trailsOf(node, contracts, subjectsOf(item))).get(item).records;

function storyOf(item) {
  const { holder, records, receptacles } = structuredClone(trails[item]);
  return { kind: "trail", contracts, item, holder, places: {}, records, receptacles };
}

// ---- digests and codes ---------------------------------------------------------------------------

const SIGNED_HERE = ["Acceptance", "Receipt", "Packing", "Closing", "Opening", "Delivery", "End", "TakeUp", "Recall", "Report", "Claim", "Original"];
const domains = {
  CustodyLedger: domainOf("CustodyLedger", 31337, `0x${"11".repeat(20)}`),
  CryptoStamp: domainOf("CryptoStamp", 31337, `0x${"22".repeat(20)}`),
};

for (const { type, contract, record, digest } of typed.records) {
  if (SIGNED_HERE.includes(type)) {
    test(`digest of ${type} is Python's and Solidity's`, () => {
      assert.equal(digestOf(domains[contract], type, record), digest);
    });
  }
}

test("digest of a forced release follows from its lines' hashes and its reason", () => {
  const { record, digest } = typed.records.find((one) => one.type === "ForcedRelease");
  const lines = record.lines.map((line) => lineHash(line.item, line.number, line.condition, line.evidence));
  assert.equal(releaseDigest(domains.CustodyLedger, { ...record, released: record.time, by: record.giver, lines }), digest);
});

test("digest of a release follows from its lines' hashes", () => {
  const { record, digest } = typed.records.find((one) => one.type === "Release");
  const lines = record.lines.map((line) => lineHash(line.item, line.number, line.condition, line.evidence));
  assert.equal(releaseDigest(domains.CustodyLedger, { ...record, released: record.time, lines }), digest);
});

for (const code of printed.public_codes) {
  test(`public code ${code.number} is read and its signer found`, async () => {
    const parsed = parsePublicCode(code.payload.toLowerCase());
    assert.equal(parsed.stamp, BigInt(code.stamp));
    assert.equal(parsed.hint, code.signer_hint);
    assert.equal(parsed.signature, code.signature);
    const domain = domainOf("CryptoStamp", code.chain_id, code.contract);
    const digest = digestOf(domain, "PublicCode", { stamp: parsed.stamp });
    assert.equal(digest, code.digest);
    assert.equal(await signerOf(digest, parsed.signature), printed.signer);
  });
}

test("a code of one character less, or with U, is no code", () => {
  const { payload } = printed.public_codes[0];
  assert.throws(() => parsePublicCode(payload.slice(1)), BadCode);
  assert.throws(() => parsePublicCode(payload.replace(/.$/, "U")), BadCode);
});

test("bytes and their spelling are one to one", () => {
  const bytes = Uint8Array.from({ length: 83 }, (_, i) => (i * 37) % 256);
  assert.deepEqual(decode(encode(bytes), 83), bytes);
});

for (const one of printed.claim_codes) {
  test(`the claim code of ${one.number} gives Python's key, however it is typed`, () => {
    for (const typed of [one.claim_code, one.url, ` ${one.claim_code.toLowerCase()} `, one.claim_code.replaceAll("-", " ")]) {
      assert.equal(parseClaim(typed), one.secret);
    }
    assert.equal(claimKey(one.secret, BigInt(one.stamp)), one.claim_key);
    assert.equal(privateKeyToAddress(one.claim_key).toLowerCase(), one.claim_address);
  });
}

test("one wrong letter of a claim code is always found", () => {
  const code = printed.claim_codes[0].claim_code.replaceAll("-", "");
  for (let place = 0; place < code.length; place++) {
    for (const letter of "0123456789ABCDEFGHJKMNPQRSTVWXYZ".replace(code[place], "")) {
      assert.throws(() => parseClaim(code.slice(0, place) + letter + code.slice(place + 1)), BadCode);
    }
  }
  assert.throws(() => parseClaim(code.slice(1)), /27 characters, a claim code has 28/);
});

test("a claim and the showing of an original are signed by the claim key alone", async () => {
  const { stamp, claim_key, claim_address } = printed.claim_codes[0];
  const to = `0x${"c0".repeat(20)}`;
  for (const record of [{ stamp: BigInt(stamp), to, deadline: 13 }, { stamp: BigInt(stamp), deadline: 13 }]) {
    const { digest, signed } = await signedTwin(contracts, record, claim_key, [ZERO32]);
    assert.equal(digest, digestOf(domainOf("CryptoStamp", contracts.chainId, contracts.stamps), record.to ? "Claim" : "Original", record));
    assert.equal(await signerOf(digest, signed.signature), claim_address);
    assert.equal(signed.claim_key, claim_address);
    assert.ok(!JSON.stringify({ ...signed, stamp }).includes(claim_key.slice(2)));
  }
});

test("a delivery code gives Python's key, and signs", async () => {
  const { code, trail_code, key, address } = read("delivery_keys");
  assert.equal(deliveryKey(code, trail_code), key);
  assert.equal(deliveryKey(` ${code.toLowerCase()} `.replace("-", " "), trail_code), key);
  const { record } = typed.records.find((one) => one.type === "Delivery");
  const signature = await signDelivery({ chainId: 31337, ledger: `0x${"11".repeat(20)}` }, record, key);
  const digest = digestOf(domains.CustodyLedger, "Delivery", record);
  assert.equal(signature.length, 130);
  assert.equal(await signerOf(digest, signature), address);
});

// ---- trails ----------------------------------------------------------------------------------------

for (const [item, trail] of Object.entries(trails)) {
  test(`trail ${item.slice(2, 10)} gives the head that Python folds, all signatures good`, async () => {
    const node = asked();
    const records = await recordsOf(node, item);
    assert.equal(headFrom(records), trail.head);
    assert.deepEqual(await badSignatures(node, contracts, records), []);
    assert.deepEqual(trailDifferences(storyOf(item), records, new Map()), []);
  });

  test(`trail ${item.slice(2, 10)}: all three ticks hold`, async () => {
    const states = {};
    const block = await check(asked(), storyOf(item), (tick, state, text) => (states[tick] = [state, text]));
    assert.equal(block, 11);
    for (const tick of ["signatures", "record", "story"]) assert.equal(states[tick][0], "holds", states[tick][1]);
  });
}

const [item, trail] = Object.entries(trails).find(([, one]) => one.records.some((record) => record.receiver));

test("a head is not given by records with a gap or in which a digest does not fit", async () => {
  const records = await recordsOf(asked(), item);
  assert.equal(headFrom(records.toSpliced(1, 1)), null);
  assert.equal(headFrom(records.with(1, { ...records[1], recomputed: ZERO32 })), null);
  assert.notEqual(nextHead(ZERO32, records[0].digest, 0), nextHead(ZERO32, records[0].digest, 1));
});

test("another head on chain turns the record's tick, not the others", async () => {
  const fake = new GoldenNode();
  fake.heads[item] = ZERO32;
  const states = {};
  await check(asked(fake), storyOf(item), (tick, state) => (states[tick] = state));
  assert.deepEqual(states, { signatures: "holds", record: "differs", story: "holds" });
});

test("a signature by another key is named with its record", async () => {
  const node = asked();
  const records = await recordsOf(node, item);
  records[0].signed[0].signature = records[1].signed[0].signature;
  assert.deepEqual(await badSignatures(node, contracts, records), ["record 1"]);
});

for (const field of ["time", "released", "actor", "receiver", "given", "found", "digest"]) {
  test(`a lie about ${field} is told with both sides`, async () => {
    const story = storyOf(item);
    const told = story.records.find((one) => one[field] && one.receiver);
    told[field] = typeof told[field] === "number" ? told[field] + 7200 : ZERO32;
    const states = {};
    await check(asked(), story, (tick, state, text) => (states[tick] = [state, text]));
    assert.equal(states.story[0], "differs");
    assert.match(states.story[1], new RegExp(`Record ${told.record}.*: the server says .*, the chain says .*\\.`));
    assert.equal(states.record[0], "holds");
  });
}

test("a record that the page leaves out is missed", async () => {
  const story = storyOf(item);
  story.records.pop();
  const states = {};
  await check(asked(), story, (tick, state, text) => (states[tick] = [state, text]));
  assert.equal(states.record[0], "differs");
});

test("a record that the chain does not have is told", () => {
  const story = storyOf(item);
  assert.match(trailDifferences(story, [], new Map())[0], /Record 1 is not in the block that the server names/);
});

test("a wrong place is told", async () => {
  const story = storyOf(item);
  const records = await recordsOf(asked(), item);
  story.places = { 16777217: "AT602001" };
  const found = trailDifferences(story, records, new Map([[16777217, "CHZRHX"]]));
  assert.deepEqual(found, ["Custodian 1-1: the server says AT602001, the chain says CHZRHX."]);
});

// ---- receptacles (C7) ----------------------------------------------------------------------------------

test("every trail of the golden logs is among the vectors: none is beyond the scripts", () => {
  const accepted = golden.logs.filter((log) => eventOf(log)?.eventName === "Accepted").map((log) => log.topics[1]);
  assert.deepEqual(Object.keys(trails).sort(), accepted.sort());
});

function eventOf(log) {
  try {
    return decodeEventLog({ abi: ledgerAbi, topics: log.topics, data: log.data });
  } catch {
    return null;
  }
}

const lain = (outcome) => Object.keys(trails).find((one) => trails[one].records.some((record) => record.outcome === outcome));

async function ticksOf(item, change = () => {}, fake = new GoldenNode()) {
  const states = {};
  const story = storyOf(item);
  change(story, fake);
  await check(asked(fake), story, (tick, state, text) => (states[tick] = [state, text]));
  return states;
}

test("the signatures of the receptacles are counted with the item's own", async () => {
  const { signatures } = await ticksOf(lain("found"));
  assert.match(signatures[1], /^11 signatures of 4 records and 6 of the receptacle that carried it, each by the key/);
});

for (const [outcome, lie] of [["found", "inferred"], ["inferred", "found"], ["missing", "found"]]) {
  test(`an item that was ${outcome} cannot be told as ${lie}`, async () => {
    const { story, record } = await ticksOf(lain(outcome), ({ records }) => {
      records.find((one) => one.outcome).outcome = lie;
    });
    assert.equal(story[0], "differs");
    assert.match(story[1], new RegExp(`in its receptacle: the server says ${lie}, the chain says ${outcome}`));
    assert.equal(record[0], "holds");
  });
}

test("a holder that the chain does not name is told, a receptacle by its words", async () => {
  const inside = Object.keys(trails).find((one) => trails[one].holder >= 2 ** 40);
  const { story } = await ticksOf(inside, (told) => (told.holder = 16777217));
  assert.match(story[1], /^Held by: the server says 1-1, the chain says receptacle \d\./);
});

test("without the receptacle's own records a stay is not believed", async () => {
  const { record } = await ticksOf(lain("found"), (story) => (story.receptacles = []));
  assert.equal(record[0], "differs");
});

for (const name of ["Packed", "LineRefused", "Closed", "Opened"]) {
  test(`a node that leaves out a ${name} of the receptacle is found out`, async () => {
    const { record } = await ticksOf(lain("found"), (_, fake) => {
      const at = fake.logs.findIndex((log) => eventOf(log)?.eventName === name);
      fake.logs = fake.logs.toSpliced(at, 1);
    });
    assert.equal(record[0], "differs");
  });

  test(`a node that changes a ${name} of the receptacle is found out`, async () => {
    const { record, signatures } = await ticksOf(lain("found"), (_, fake) => {
      const at = fake.logs.findIndex((log) => eventOf(log)?.eventName === name);
      const { topics, data } = fake.logs[at];
      const changed = name === "LineRefused" ? { topics: topics.with(2, toHex(2, { size: 32 })) } : { data: flipped(name, data) };
      fake.logs = fake.logs.with(at, { ...fake.logs[at], ...changed });
    });
    assert.ok(record[0] === "differs" || signatures[0] === "differs");
  });
}

/** Another time of the event: the fourth word of the struct, which lies where its offset says. */
function flipped(name, data) {
  const words = data.slice(2).match(/.{64}/g);
  const start = words.findIndex((word) => BigInt(`0x${word}`) > 1_700_000_000n && BigInt(`0x${word}`) < 1_900_000_000n);
  words[start] = (BigInt(`0x${words[start]}`) ^ 1n).toString(16).padStart(64, "0");
  return `0x${words.join("")}`;
}

/** A node whose first log of an event (about an item) has other words. */
function forged(fake, name, change, about) {
  const at = fake.logs.findIndex((log) => eventOf(log)?.eventName === name && (!about || log.topics[1] === about));
  fake.logs = fake.logs.with(at, { ...fake.logs[at], ...change(fake.logs[at]) });
}

const word = (value) => toHex(value, { size: 32 });

for (const [what, name, outcome, change] of [
  ["names another who gets back what is missing", "ItemMissing", "missing", ({ topics }) => ({ topics: topics.with(3, word(16777218)) })],
  ["names another line of what is missing", "ItemMissing", "missing", ({ data }) => ({ data: `${word(1)}${data.slice(66)}` })],
  ["names another digest of a stay", "Stayed", "found", ({ topics }) => ({ topics: topics.with(2, ZERO32) })],
  ["names another who opened it for a stay", "Stayed", "found", ({ topics }) => ({ topics: topics.with(3, word(16777217)) })],
  ["names another receptacle for a stay", "Stayed", "found", ({ data }) => ({ data: data.slice(0, -64) + word(2n ** 40n + 7n).slice(2) })],
]) {
  test(`a node that ${what} is found out`, async () => {
    const one = lain(outcome);
    const { record } = await ticksOf(one, (_, fake) => forged(fake, name, change, one));
    assert.equal(record[0], "differs");
  });
}

test("another receptacle's opening is none of this one", async () => {
  const fake = new GoldenNode();
  const one = lain("found");
  const bag = trails[one].receptacles[0].item;
  const other = fake.logs.findLast((log) => eventOf(log)?.eventName === "Opened");
  forged(fake, "Opened", () => ({ data: other.data, topics: other.topics.with(1, bag) }), bag);
  const records = (await trailsOf(asked(fake), contracts, subjectsOf(one))).get(bag).records;
  assert.equal(records.find((record) => record.kind === "Opened").recomputed, ZERO32);
});

test("a receptacle of which the chain keeps another head is named", async () => {
  const { record } = await ticksOf(lain("missing"), (_, fake) => {
    const asIs = fake.receptacleOf;
    fake.receptacleOf = (number) => ({ ...asIs(number), headAtOpening: word(1) });
  });
  assert.match(record[1], /^The records of receptacle 1 do not give the head/);
});

test("a holder on chain that does not follow from the records is told", async () => {
  const { record } = await ticksOf(item, (_, fake) => {
    const asIs = fake.itemOf;
    fake.itemOf = (one) => ({ ...asIs(one), holder: 33554433 });
  });
  assert.equal(record[0], "differs");
});

test("what became of the empty receptacle afterwards is no part of what it carried", async () => {
  const crate = Object.keys(trails).find((one) => trails[one].head_at_opening && trails[one].head_at_opening !== trails[one].head);
  const inside = Object.keys(trails).filter((one) => trails[one].receptacles.some(({ item }) => item === crate));
  assert.ok(inside.length);
  for (const one of inside) assert.equal((await ticksOf(one)).record[0], "holds");
});

// ---- forced hand-offs (C9) and devices' keys (N3) --------------------------------------------------------

for (const [field, lie] of [["forcedBy", undefined], ["code", 7]]) {
  test(`who stood in for a giver, and why, cannot be told otherwise: ${field}`, async () => {
    const forced = Object.keys(trails).find((one) => trails[one].records.some((record) => record.forcedBy));
    const { story, signatures } = await ticksOf(forced, ({ records }) => {
      records.find((one) => one.forcedBy)[field] = lie;
    });
    assert.equal(story[0], "differs");
    assert.match(signatures[1], /^2 signatures of 2 records, each/);
  });
}

const DEVICES = golden.events.filter((event) => event.event === "RightGranted" && event.kind > 1);

for (const { kind, key, custodian } of DEVICES) {
  test(`a signature of a key of kind ${kind} is good, and with any byte changed it is not`, async () => {
    const item = Object.keys(trails).find((one) => trails[one].records.some((record) => record.receiver === custodian || record.actor === custodian));
    const records = await recordsOf(asked(), item);
    const { digest, signature } = records.flatMap((one) => one.signed).find((one) => one.custodian === custodian);
    assert.ok(await isSignedBy(kind, key, digest, signature));
    for (const other of [1, 2, 3].filter((one) => one !== kind)) assert.ok(!(await isSignedBy(other, key, digest, signature)));
    assert.ok(!(await isSignedBy(kind, key, ZERO32, signature)));
    for (const at of bytesThatCount(signature, kind)) {
      const digit = (parseInt(signature[at], 16) ^ 1).toString(16);
      const bad = signature.slice(0, at) + digit + signature.slice(at + 1);
      assert.ok(!(await isSignedBy(kind, key, digest, bad)), `digit ${at}`);
    }
    assert.ok(!(await isSignedBy(kind, key, digest, signature.slice(0, -64))));
  });
}

/** Each 16th digit; of a passkey's those of public key, r, s and the authenticator's flags. */
function bytesThatCount(signature, kind) {
  const last = kind === 2 ? signature.length : 2 + 2 * 128;
  return Array.from({ length: Math.floor((last - 3) / 16) }, (_, i) => 3 + 16 * i);
}

for (const [block, good] of [[99, true], [1, false]]) {
  test(`a device's key that was lost in block ${block} ${good ? "had signed before" : "signs nothing later"}`, async () => {
    const { key, custodian } = DEVICES[0];
    const fake = new GoldenNode();
    const lost = fake.logs.find((log) => namedOf(log) === "KeyCompromised");
    const own = eventTopics(lost, custodian, key);
    fake.logs = [...fake.logs, { ...lost, ...own, block }];
    const item = Object.keys(trails).find((one) => trails[one].records.some((record) => record.actor === custodian));
    const records = (await recordsOf(asked(fake), item)).slice(0, 1);
    assert.deepEqual(await badSignatures(asked(fake), contracts, records), good ? [] : ["record 1"]);
  });
}

function namedOf(log) {
  try {
    return decodeEventLog({ abi: networkAbi, topics: log.topics, data: log.data }).eventName;
  } catch {
    return null;
  }
}

/** The same event about another custodian's key, whether that is a topic or not. */
function eventTopics({ topics, data }, custodian, key) {
  const named = [topics[0], word(custodian), ...topics.slice(2).map(() => word(BigInt(key)))];
  return { topics: named, data: topics.length > 2 ? data : word(BigInt(key)) };
}

// ---- assertions of passkeys, made here ---------------------------------------------------------------

const SECRET = 0xc0ffeen;
const POINT = `0x${Buffer.from(p256.getPublicKey(SECRET, false)).toString("hex").slice(2)}`;
const PARTY = sha256(toHex("posthorn.example"));
const HASH = keccak256(toHex("a record"));
const keyFor = (point, party) => `0x${keccak256(`${point}${party.slice(2)}`).slice(26)}`;

function assertion({ flags = 0x05, challenge = HASH, type = "webauthn.get", party = PARTY, challengeAt, typeAt } = {}) {
  const said = Buffer.from(challenge.slice(2), "hex").toString("base64url");
  const client = JSON.stringify({ type, challenge: said, origin: "https://posthorn.example" });
  const authenticator = `${party}${toHex(flags, { size: 1 }).slice(2)}00000007`;
  const signed = sha256(`${authenticator}${sha256(toHex(client)).slice(2)}`);
  const { r, s } = p256.sign(signed.slice(2), SECRET, { lowS: true });
  const places = [challengeAt ?? client.indexOf('"challenge"'), typeAt ?? client.indexOf('"type"')].map(BigInt);
  const values = [word(r), word(s), ...places, authenticator, client];
  const types = ["bytes32", "bytes32", "uint256", "uint256", "bytes", "string"].map((kind) => ({ type: kind }));
  return `${POINT}${encodeAbiParameters(types, values).slice(2)}`;
}

test("an honest assertion is taken", async () => {
  assert.ok(await isSignedBy(3, keyFor(POINT, PARTY), HASH, assertion()));
});

for (const how of [
  { flags: 0x01 },
  { flags: 0x04 },
  { flags: 0x15 },
  { challenge: ZERO32 },
  { type: "webauthn.create" },
  { party: sha256(toHex("evil.example")) },
  { challengeAt: 0 },
  { typeAt: 2n ** 255n },
]) {
  test(`an assertion with another ${Object.keys(how)[0]} ${Object.values(how)[0]} is not`, async () => {
    assert.ok(!(await isSignedBy(3, keyFor(POINT, PARTY), HASH, assertion(how))));
  });
}

test("a good signature by another key is not this key's", async () => {
  const { r, s } = p256.sign(HASH.slice(2), SECRET, { lowS: true });
  const signature = `${POINT}${word(r).slice(2)}${word(s).slice(2)}`;
  assert.ok(await isSignedBy(2, keyFor(POINT, ZERO32), HASH, signature));
  assert.ok(!(await isSignedBy(2, DEVICES[0].key, HASH, signature)));
  assert.ok(!(await isSignedBy(3, DEVICES[1].key, HASH, assertion())));
});

test("s in the upper half is no signature of a device", async () => {
  const { key, custodian } = DEVICES.find((one) => one.kind === 2);
  const item = Object.keys(trails).find((one) => trails[one].records.some((record) => record.actor === custodian));
  const [{ signed }] = await recordsOf(asked(), item);
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const high = (order - BigInt(`0x${signed[0].signature.slice(-64)}`)).toString(16).padStart(64, "0");
  assert.ok(!(await isSignedBy(2, key, signed[0].digest, signed[0].signature.slice(0, -64) + high)));
});

// ---- no answer ---------------------------------------------------------------------------------------

const dumb = {
  "does not answer": async () => Promise.reject(new Error("refused")),
  "answers with no JSON": async () => ({ json: async () => JSON.parse("<html>") }),
  "answers with a problem": async () => ({ json: async () => ({ detail: "too often" }) }),
  "answers with errors": async (_, { body }) => ({
    json: async () => JSON.parse(body).map(({ id }) => ({ id, error: { message: "no" } })),
  }),
};

for (const [what, fetcher] of Object.entries(dumb)) {
  test(`a node that ${what} leaves every tick grey`, async () => {
    const states = {};
    const node = new Node("http://node.example", fetcher);
    assert.equal(await check(node, storyOf(item), (tick, state) => (states[tick] = state)), null);
    assert.deepEqual(states, { signatures: "silent", record: "silent", story: "silent" });
    await assert.rejects(node.whereabouts(), NoAnswer);
  });
}

test("a node of another chain is no answer", async () => {
  const fake = new GoldenNode();
  fake.eth_chainId = () => "0x1";
  const states = {};
  await check(asked(fake), storyOf(item), (tick, state, text) => (states[tick] = text));
  assert.match(states.record, /this node is of chain 1, the record is on chain 31337/);
});

// ---- stamps --------------------------------------------------------------------------------------------

const used = { issued: true, isVoid: false, twin: 1, use: { block: 9, custodian: 16777217, time: 1700000000, kind: 0 } };
const told = { issued: true, void: false, twin: "sealed", use: { custodian: 16777217, time: 1700000000, kind: 0 } };

test("a stamp's story that is the chain's has no differences", () => {
  assert.deepEqual(stampDifferences(told, used), []);
});

test("the server says one time, the chain another", () => {
  const lie = { ...told, use: { ...told.use, time: 1700007200 } };
  assert.deepEqual(stampDifferences(lie, used), [
    "Used: the server says 2023-11-15 00:13 UTC, the chain says 2023-11-14 22:13 UTC.",
  ]);
  const sameDay = { ...told, use: { ...told.use, time: 1700000000 - 7200 } };
  assert.deepEqual(stampDifferences(sameDay, used), ["Used: the server says 20:13, the chain says 22:13."]);
});

test("a use that the server hides is told", () => {
  assert.deepEqual(stampDifferences({ ...told, use: null }, used), ["Used: the server says no, the chain says yes."]);
});

// ---- scanners that type ----------------------------------------------------------------------------------

const strokes = (text) =>
  [...text].map((c) => ({
    code: { "/": "Slash", ":": "Semicolon", ".": "Period", "-": "Minus" }[c] ?? (/\d/.test(c) ? `Digit${c}` : `Key${c.toUpperCase()}`),
    shiftKey: /[A-Z:]/.test(c),
  }));

test("keys are read by their place, whatever they write on this machine", () => {
  const text = "HTTP://192.168.1.5:8000/S/ABC-09z";
  assert.equal(strokes(text).map(characterOf).join(""), text);
  assert.equal(characterOf({ code: "ArrowLeft" }), null);
});

test("a burst that ends with Enter is a scan, typing by hand is not", () => {
  const type = (gap) => {
    const wedge = new Wedge();
    let time = 1000;
    for (const stroke of strokes("RR900001014AT")) wedge.take({ ...stroke, timeStamp: (time += gap) });
    return wedge.take({ code: "Enter", timeStamp: time + gap });
  };
  assert.equal(type(5), "RR900001014AT");
  assert.equal(type(120), null);
});
