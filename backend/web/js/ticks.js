/** The three ticks: what this browser found out for itself about a stamp or a trail. */

import {
  badSignatures,
  codeSigner,
  parsePublicCode,
  receptacleHeads,
  standingOf,
  stampOnChain,
} from "./chain.js";
import { NoAnswer } from "./node.js";
import { headFrom, trailsOf } from "./trails.js";

const TWINS = ["none", "sealed", "claimed"];

/**
 * Checks a story against a node and tells each tick: tell(tick, state, text).
 *
 * Ticks: signatures, record, story. States: holds, differs, silent. Never throws: what gave no answer is
 * silent, which says nothing against the record.
 */
export async function check(node, story, tell) {
  try {
    const { chainId, block } = await node.whereabouts();
    if (chainId !== story.contracts.chainId) {
      throw new NoAnswer(`this node is of chain ${chainId}, the record is on chain ${story.contracts.chainId}`);
    }
    await (story.kind === "stamp" ? checkStamp : checkTrail)(node, story, tell);
    return block;
  } catch (error) {
    const why = error instanceof NoAnswer ? error.message : `this could not be read (${error.message})`;
    for (const tick of ["signatures", "record", "story"]) tell(tick, "silent", `No answer: ${why}.`, true);
    return null;
  }
}

async function checkStamp(node, story, tell) {
  const stamp = BigInt(story.stamp);
  await checkCode(node, story, tell);
  const chain = await stampOnChain(node, story.contracts, stamp);
  tell("record", "holds", `Of the stamp with this number the chain says: ${stampWords(chain)}.`);
  if (!story.told) {
    tell("story", "silent", "The code is not the post’s, so this page says nothing of the stamp whose number it bears.");
    return;
  }
  const differences = stampDifferences(story, chain);
  if (differences.length) tell("story", "differs", differences.join(" "));
  else tell("story", "holds", "What this page says is what the chain says.");
}

async function checkCode(node, story, tell) {
  if (!story.payload) {
    tell("signatures", "silent", "No code was shown, only its number: there is no signature to check.");
    return;
  }
  const code = parsePublicCode(story.payload);
  const { signer, added, revoked } = await codeSigner(node, story.contracts, code);
  if (!added) tell("signatures", "differs", "No stamp signer that the chain knows has signed this code.");
  else if (revoked) tell("signatures", "differs", `Signed by ${short(signer)}, revoked in block ${revoked}.`);
  else tell("signatures", "holds", `Signed by ${short(signer)}, a stamp signer of ${story.issuer} on the chain.`);
}

/** What the chain says of a stamp, in words. */
export function stampWords({ issued, isVoid, twin, use }) {
  if (isVoid) return issued ? "sold, then taken out of use" : "taken out of use, never sold";
  if (!issued) return "not sold";
  const used = use ? `used on ${utc(use.time)} (block ${use.block})` : "sold, not used";
  return `${used}; twin ${TWINS[twin]}`;
}

/** Where the server's story of a stamp is not the chain's: sentences, empty if it is the same. */
export function stampDifferences(story, chain) {
  const found = [];
  const say = (what, server, onChain) => {
    if (server !== onChain) found.push(`${what}: the server says ${server}, the chain says ${onChain}.`);
  };
  say("Sold", yes(story.issued), yes(chain.issued));
  say("Out of use", yes(story.void), yes(chain.isVoid));
  if (chain.issued && !chain.isVoid) say("Twin", story.twin, TWINS[chain.twin]);
  say("Used", yes(story.use), yes(chain.use));
  if (story.use && chain.use) {
    found.push(...timeDifference("Used", story.use.time, chain.use.time));
    say("Place", custodianText(story.use.custodian), custodianText(chain.use.custodian));
    say("Kind", String(story.use.kind), String(chain.use.kind));
  }
  return found;
}

async function checkTrail(node, story, tell) {
  const custodians = [...new Set(story.records.flatMap((one) => [one.actor, one.receiver]).filter(Boolean))];
  const standing = await standingOf(node, story.contracts, story.item, custodians);
  const own = { item: story.item, blocks: [...new Set(story.records.map((one) => one.blockHash))] };
  const trails = await trailsOf(node, story.contracts, [own, ...story.receptacles]);
  const { records, holder } = trails.get(story.item) ?? { records: [], holder: 0 };
  const carriers = story.receptacles.map(({ item }) => ({ item, records: [], ...trails.get(item) }));
  const all = [records, ...carriers.map((one) => one.records.map((record) => ({ ...record, of: " of a receptacle" })))].flat();
  const signatures = all.flatMap((one) => one.signed).length;
  const bad = await badSignatures(node, story.contracts, all);
  if (bad.length) tell("signatures", "differs", `Not signed by the key that had the right: ${bad.join(", ")}.`);
  else tell("signatures", "holds", signedText(signatures, recordsText(records, carriers)));
  const same = headFrom(records) === standing.head && records.length === standing.records && holder === standing.holder;
  const odd = await oddReceptacle(node, story.contracts, carriers);
  if (odd) tell("record", "differs", `The records of ${odd} do not give the head that the chain keeps of it.`);
  else if (same) tell("record", "holds", `The records give head ${short(standing.head)}, which the chain keeps. None is missing.`);
  else tell("record", "differs", headWords(records, standing));
  const differences = trailDifferences(story, records, standing.places, standing.holder);
  if (differences.length) tell("story", "differs", differences.join(" "));
  else tell("story", "holds", "Dates, places and conditions on this page are those of the chain.");
}

function signedText(signatures, records) {
  if (signatures === 1) return `One signature of ${records}, by the key that had the right.`;
  return `${signatures} signatures of ${records}, each by the key that had the right.`;
}

function recordsText(records, carriers) {
  const inside = carriers.flatMap((one) => one.records).length;
  if (!carriers.length) return records.length === 1 ? "one record" : `${records.length} records`;
  const lay = carriers.length === 1 ? "the receptacle" : `${carriers.length} receptacles`;
  return `${records.length} records and ${inside} of ${lay} that carried it`;
}

/** The first receptacle whose own records are not those that the chain keeps; null if all are. */
async function oddReceptacle(node, contracts, carriers) {
  const heads = await receptacleHeads(node, contracts, carriers);
  const odd = carriers.find((one, i) => headFrom(one.records) !== heads[i]);
  return odd ? holderText(odd.number) : null;
}

function headWords(records, standing) {
  if (records.length < standing.records) {
    return `The chain has ${standing.records} records, this page shows ${records.length}. Load it again.`;
  }
  return `The records do not give the head ${short(standing.head)} that the chain keeps.`;
}

/** Where the server's story of a trail is not the chain's: sentences, empty if it is the same. */
export function trailDifferences(story, records, places, holder = story.holder) {
  const found = [];
  if (story.holder !== holder) {
    found.push(`Held by: the server says ${holderText(story.holder)}, the chain says ${holderText(holder)}.`);
  }
  const onChain = new Map(records.map((one) => [one.record, one]));
  for (const told of story.records) {
    const chain = onChain.get(told.record);
    if (!chain) found.push(`Record ${told.record} is not in the block that the server names.`);
    else found.push(...recordDifferences(told, chain));
  }
  for (const [number, place] of Object.entries(story.places)) {
    const known = places.get(Number(number));
    if (known !== undefined && known !== place) {
      found.push(`Custodian ${custodianText(Number(number))}: the server says ${place}, the chain says ${known}.`);
    }
  }
  return found;
}

const COMPARED = [
  ["digest", "digest"],
  ["line", "line"],
  ["given", "condition given"],
  ["found", "condition found"],
  ["code", "code"],
  ["forcedBy", "standing in for the giver"],
  ["count", "number of items"],
  ["outcome", "in its receptacle"],
];

function recordDifferences(told, chain) {
  const what = `Record ${told.record}`;
  const found = timeDifference(what, told.time, chain.time);
  if (told.released && chain.released) found.push(...timeDifference(`${what}, released`, told.released, chain.released));
  for (const [name, words] of COMPARED) {
    if ((told[name] ?? null) !== (chain[name] ?? null)) {
      found.push(`${what}, ${words}: the server says ${shortened(told[name])}, the chain says ${shortened(chain[name])}.`);
    }
  }
  for (const name of ["actor", "receiver"]) {
    if ((told[name] ?? 0) !== (chain[name] ?? 0)) {
      found.push(`${what}: the server says ${custodianText(told[name])}, the chain says ${custodianText(chain[name])}.`);
    }
  }
  return found;
}

function timeDifference(what, server, chain) {
  if (server === chain) return [];
  const sameDay = utc(server).slice(0, 10) === utc(chain).slice(0, 10);
  const form = sameDay ? (time) => utc(time).slice(11, 16) : utc;
  return [`${what}: the server says ${form(server)}, the chain says ${form(chain)}.`];
}

/** `2026-03-03 09:14 UTC`. */
export function utc(seconds) {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** `1-5`, as custodians are written. */
export function custodianText(number) {
  return number ? `${Math.floor(number / 2 ** 24)}-${number % 2 ** 24}` : "nobody";
}

const FIRST_RECEPTACLE = 2 ** 40;

/** A custodian, or a receptacle: `receptacle 1`, counted from the network's first. */
function holderText(number) {
  return number >= FIRST_RECEPTACLE ? `receptacle ${number - FIRST_RECEPTACLE + 1}` : custodianText(number);
}

function short(hex) {
  return `${hex.slice(2, 10)}…`;
}

function shortened(value) {
  return typeof value === "string" && value.startsWith("0x") ? short(value) : String(value ?? "nothing");
}

function yes(value) {
  return value ? "yes" : "no";
}
