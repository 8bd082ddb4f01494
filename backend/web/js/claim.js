/**
 * The page of a concealed code: <form data-claim> claims the twin, [data-original] shows the original. The code, typed or
 * from behind #, stays on this device. #claim holds the stamp, the server's time, the contracts.
 */

import { getAddress, isAddress } from "viem/utils";
import { privateKeyToAddress } from "viem/accounts";
import { BadCode } from "./base32.js";
import { claimKey, parseClaim, signedTwin } from "./claims.js";

const DEADLINE_SECONDS = 3 * 24 * 3600;
const LOOK_EVERY_MS = 2000;
const LOOKS = 60;

class Refused extends Error {}

const form = document.querySelector("form[data-claim]");
const about = JSON.parse(document.getElementById("claim").textContent);
const says = form.querySelector("[data-says]");
const fields = Object.fromEntries([...form.querySelectorAll("input")].map((input) => [input.id, input]));
const loadedAt = performance.now();

fields.code.value = location.hash.slice(1);
document.querySelector("[data-without-code]").hidden = Boolean(fields.code.value);
document.querySelector("[data-with-code]").hidden = !fields.code.value;
// The address bar, its history and whoever looks at them have seen the secret long enough.
history.replaceState(null, "", location.pathname);
form.hidden = false;
form.addEventListener("submit", (event) => act(event, event.submitter?.hasAttribute("data-original")));

async function act(event, original) {
  event.preventDefault();
  const buttons = form.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  try {
    const to = original ? null : recipient();
    if (!original) await mustKnowLinks();
    await send(to);
    fields.code.value = "";
    say("It is on its way to the chain.");
    await recorded(to);
  } catch (error) {
    if (!(error instanceof Refused || error instanceof BadCode)) say(`Nothing was sent: ${error.message}. Try again.`);
    else say(error instanceof BadCode ? `This is not the concealed code: ${error.message}. Read it again.` : error.message);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

function recipient() {
  const typed = fields.to.value.trim();
  // Capital letters in an address are its check sum (EIP-55).
  if (!isAddress(typed)) throw new Refused("This is not an address of a wallet: 0x and 40 digits. One of them may be mistyped.");
  const address = getAddress(typed);
  if ([about.contracts.stamps, `0x${"0".repeat(40)}`].includes(address.toLowerCase())) {
    throw new Refused("A twin cannot be claimed to this address. Type the address of your own wallet.");
  }
  return address.toLowerCase();
}

/** Asked anew: the stamp may have been used since the page was opened. */
async function mustKnowLinks() {
  const stamp = await verdict();
  if (!stamp.used && !stamp.use_under_way) return;
  const consent = form.querySelector("[data-links]");
  consent.hidden = false;
  if (!fields.links.checked) {
    throw new Refused("This stamp has been used. Read what the claim links for ever, and say that you know it. Nothing was sent.");
  }
}

async function send(to) {
  const stamp = BigInt(about.stamp);
  const key = claimKey(parseClaim(fields.code.value), stamp);
  const proven = await ask(`/v1/stamps/${about.number}/claim-proof`);
  if (proven.claim_key !== privateKeyToAddress(key).toLowerCase()) {
    throw new Refused(`This code is not the one of stamp ${about.number}. Nothing was sent.`);
  }
  const deadline = about.now + Math.floor((performance.now() - loadedAt) / 1000) + DEADLINE_SECONDS;
  const record = { stamp, ...(to && { to }), deadline };
  const { digest, signed } = await signedTwin(about.contracts, record, key, proven.proof);
  await ask(to ? "/v1/claims" : "/v1/originals", {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": digest },
    body: JSON.stringify({ ...signed, stamp: about.number }),
  });
}

/** Looks until the chain has it; what takes longer goes on without this page. */
async function recorded(to) {
  for (let look = 0; look < LOOKS; look++) {
    await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
    const stamp = await verdict();
    if (to ? stamp.twin_owner === to : stamp.originals_shown.length) {
      say(to ? `The twin is claimed: it belongs to ${getAddress(to)}.` : "It is on the record that the original is in your hand.");
      return;
    }
  }
  say("It takes longer than usual. You can close this page; the stamp’s own page will show it.");
}

function verdict() {
  return ask(`/v1/stamps/${about.number}`);
}

/** JSON of our own server, as nobody in particular. Throws Refused with its words. */
async function ask(path, options = {}) {
  const response = await fetch(path, { credentials: "omit", ...options });
  const answer = await response.json();
  if (!response.ok) throw new Refused([answer.detail, answer.what_now].filter(Boolean).join(" "));
  return answer;
}

function say(words) {
  says.textContent = words;
}
