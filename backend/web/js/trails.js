/**
 * Trails as the chain's logs tell them, checked here, through the receptacles that an item lay in (C7).
 *
 * Each record: record, digest, line, time, actor, receiver, given, found, code, count, outcome, and `signed`: the
 * signatures with what they are over and whose key (custodian and time, or an address) must have made them.
 * `recomputed` is the digest that follows from what was signed; where it is not `digest`, something is wrong.
 */

import { ledger as ledgerAbi } from "./abi.js";
import { NoAnswer } from "./node.js";
import { digestOf, domainOf, lineHash, nextContents, nextHead, releaseDigest } from "./signed.js";

const ZERO32 = `0x${"00".repeat(32)}`;
const OWN_RECORDS = {
  Accepted: ["Acceptance", "acceptance"],
  Packed: ["Packing", "packing"],
  Closed: ["Closing", "closing"],
  Opened: ["Opening", "opening"],
  Ended: ["End", "end"],
  TakenUp: ["TakeUp", "takeUp"],
  Recalled: ["Recall", "recall"],
  Reported: ["Report", "report"],
  Delivered: ["Delivery", "delivery"],
};

/**
 * The trails of an item and of the receptacles that it lay in: a map from item to `{records, holder, number, opened}`.
 *
 * `subjects` are `{item, blocks}`, the item first: the hashes of the blocks that the server named. Throws NoAnswer.
 */
export async function trailsOf(node, contracts, subjects) {
  const items = subjects.map((one) => one.item);
  const blocks = [...new Set(subjects.flatMap((one) => one.blocks))];
  const ask = (block, topics) => [contracts.ledger, ledgerAbi, block, topics];
  const events = (await node.events(blocks.map((block) => ask(block, [null, items])))).flat();
  const named = (...names) => events.filter((event) => names.includes(event.name));
  const lines = named("ItemHandedOff");
  const packings = named("Packed");
  const beside = await node.events([
    ...[...lines, ...packings].map((one) => ask(one.blockHash, [null, one.digest])),
    ...packings.map((one) => ask(one.blockHash, [null, null, one.digest])),
  ]);
  const fold = new Trails(domainOf("CustodyLedger", contracts.chainId, contracts.ledger), beside.flat());
  for (const event of events.sort((a, b) => a.block - b.block || a.index - b.index)) fold.take(event);
  fold.checkWrittenStays();
  for (const { item } of subjects.slice(1)) endAtOpening(fold.trails.get(item));
  return fold.trails;
}

/** What becomes of an empty receptacle is no part of what it carried; its later records may stand in the same blocks. */
function endAtOpening(trail) {
  const opened = trail?.records.findIndex((one) => one.kind === "Opened") ?? -1;
  if (opened >= 0) trail.records.length = opened + 1;
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

/** Many trails at once, as domain/trails.py folds them: an opening ends the stays of what lay in a receptacle. */
class Trails {
  trails = new Map();
  #contents = new Map();
  #missing = [];
  #stayed = [];

  constructor(domain, beside) {
    this.domain = domain;
    this.beside = beside;
  }

  /** The events in the order of the chain; what is missing is told before the opening that misses it (CE10). */
  take(event) {
    if (event.name === "ItemMissing") this.#missing.push(event);
    else if (event.name === "Stayed") this.#stayed.push(event);
    else if (event.name === "ItemHandedOff") this.#add(event.item, this.#handedOff(event));
    else if (event.name in OWN_RECORDS) this.#takeOwn(event);
  }

  #takeOwn(event) {
    const record = alone(this.domain, event);
    if (event.name === "Closed") this.#checkClosing(event, record);
    const trail = this.#add(event.item, record);
    if (event.name === "Packed") this.#pack(event, record, trail);
    if (event.name === "Opened") this.#open(event, record, trail);
  }

  #add(item, record) {
    const trail = this.trails.get(item) ?? { records: [], holder: 0, number: 0, opened: false, latest: 0, closedBy: 0 };
    this.trails.set(item, trail);
    trail.records.push(record);
    if (record.holder !== undefined) trail.holder = record.holder;
    if (record.kind !== "Reported") trail.latest = Math.max(trail.latest, record.time);
    return trail;
  }

  #handedOff(line) {
    const wholes = this.beside.filter((one) => one.name === "HandedOff" || one.name === "HandOffForced");
    return handedOff(this.domain, line, wholes.find((one) => one.digest === line.digest && one.transaction === line.transaction));
  }

  /** CE9: the list less the lines refused; lines told before a Refused belong to a packing that failed whole (CE6). */
  #packedBy(event) {
    const told = this.beside.filter(
      (one) => one.digest === event.digest && one.transaction === event.transaction && one.index < event.index,
    );
    const since = Math.max(-1, ...told.filter((one) => one.name === "Refused").map((one) => one.index));
    const refused = told.filter((one) => one.name === "LineRefused" && one.index > since).map((one) => Number(one.line));
    return event.packing.items.filter((_, place) => !refused.includes(place));
  }

  #pack(event, record, trail) {
    const items = this.#packedBy(event);
    record.count = items.length;
    trail.number = event.receptacle;
    this.#contents.set(trail.number, [...(this.#contents.get(trail.number) ?? []), ...items]);
    for (const item of items) if (this.trails.has(item)) this.trails.get(item).holder = trail.number;
  }

  /** Count and hash that were signed must be those of what was really packed. */
  #checkClosing(event, record) {
    const trail = this.trails.get(event.item);
    const items = this.#contents.get(trail?.number) ?? [];
    const fits = event.closing.count === items.length && event.closing.contents === items.reduce(nextContents, ZERO32);
    if (!fits) record.recomputed = ZERO32;
    record.count = event.closing.count;
    if (trail) trail.closedBy = event.custodian;
  }

  #open(event, record, trail) {
    const { missing, found } = event.opening;
    record.count = missing.length;
    trail.opened = true;
    const digest = headFrom(trail.records) ?? ZERO32;
    const own = { line: 0, block: event.block, time: trail.latest, code: null, signed: [] };
    const places = new Map((this.#contents.get(trail.number) ?? []).map((item, place) => [item, place]));
    for (const [item, place] of places) {
      const inside = this.trails.get(item);
      if (inside?.holder !== trail.number || missing.includes(item)) continue;
      const seen = ((found[Math.floor(place / 256)] ?? 0n) >> BigInt(place % 256)) & 1n;
      const stay = { kind: "Stay", record: inside.records.length + 1, digest, recomputed: digest, receptacle: trail.number };
      this.#add(item, { ...own, ...stay, actor: event.custodian, holder: event.custodian, outcome: seen ? "found" : "inferred" });
    }
    for (const lost of this.#missing.filter((one) => one.digest === event.digest)) this.#miss(lost, own, event.opening, trail);
  }

  /** The opening names it, it lay there until then, and falls back to who closed the receptacle. */
  #miss(lost, own, opening, trail) {
    const line = Number(lost.line);
    const lay = this.trails.get(lost.item)?.holder === trail.number && lost.receptacle === trail.number;
    const recomputed = lay && opening.missing[line] === lost.item && lost.custodian === trail.closedBy ? lost.digest : ZERO32;
    const holder = lost.custodian;
    const what = { kind: lost.name, record: lost.record, digest: lost.digest, recomputed, line, actor: holder, holder };
    this.#add(lost.item, { ...own, ...what, outcome: "missing" });
  }

  /** CE10: a stay that the chain has written is the one that follows from the receptacle's own trail. */
  checkWrittenStays() {
    for (const written of this.#stayed) {
      const stay = this.trails.get(written.item)?.records.find((one) => one.record === written.record);
      if (stay && (stay.receptacle !== written.receptacle || stay.actor !== written.custodian)) stay.recomputed = ZERO32;
      if (stay) stay.digest = written.digest;
    }
  }
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
    recomputed: isAbout(struct, event.item) ? digest : ZERO32,
    line: 0,
    block: event.block,
    time: struct.time,
    actor,
    holder: holderAfter(event.name, actor),
    found: struct.condition,
    code: struct.mode ?? struct.code ?? struct.reason ?? null,
    signed,
  };
}

/** What was signed names the item that it is recorded of; an acceptance names what the item was made of. */
function isAbout(struct, item) {
  const about = struct.item ?? struct.receptacle;
  return about === undefined || about === item;
}

/** Undefined where the record moves nothing. */
function holderAfter(name, actor) {
  if (name === "Accepted" || name === "TakenUp") return actor;
  return name === "Ended" || name === "Delivered" ? 0 : undefined;
}

function handedOff(domain, line, whole) {
  if (!whole) throw new NoAnswer("the node shows a line of a hand-off without the hand-off");
  const release = releaseDigest(domain, whole);
  const hash = lineHash(line.item, line.number - 1, line.conditionGiven, line.evidenceGiven);
  const fits = whole.lines[line.line] === hash && whole.receipt.release === release;
  const digest = digestOf(domain, "Receipt", whole.receipt);
  const byGiver = { digest: release, signature: whole.giverSignature, custodian: whole.giver, time: whole.released };
  const byReceiver = { digest, signature: whole.receiverSignature, custodian: whole.receiver, time: whole.receipt.time };
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
    holder: whole.receiver,
    given: line.conditionGiven,
    found: line.conditionFound,
    // C9: of a forced one the giver has signed nothing; `by` stood in for it.
    code: whole.by ? whole.reason : null,
    forcedBy: whole.by?.toLowerCase(),
    signed: whole.by ? [byReceiver] : [byGiver, byReceiver],
  };
}
