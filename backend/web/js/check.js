/** The section «Check it yourself»: asks the node and shows three ticks. */

import { Node } from "./node.js";
import { check } from "./ticks.js";

const section = document.querySelector("[data-check]");
const story = JSON.parse(document.getElementById("story").textContent);
const where = section.querySelector("[data-where]");
const field = section.querySelector("input[name=node]");

function tell(tick, state, text, onlyOpen = false) {
  const line = section.querySelector(`[data-tick=${tick}]`);
  if (onlyOpen && line.dataset.state !== "asking") return;
  line.dataset.state = state;
  line.querySelector("[data-said]").textContent = text;
}

async function run() {
  for (const tick of ["signatures", "record", "story"]) tell(tick, "asking", "Asking …");
  const url = new URL(field.value, location.href);
  where.textContent = `Asking ${url.host} …`;
  const block = await check(new Node(url.href), story, tell);
  const own = url.origin === location.origin ? "the node of this site" : `the node ${url.host}`;
  where.textContent = block === null ? `${url.host} gave no full answer.` : `Asked ${own}, at block ${block}.`;
}

section.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
section.hidden = false;
run();
