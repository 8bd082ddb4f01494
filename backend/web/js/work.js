/** The work page: a wedge scanner writes into the right field, function keys work, the total is shown, a beep answers. */

import { Wedge } from "./wedge.js";

const wedge = new Wedge();

document.addEventListener("keydown", (event) => {
  const scanned = wedge.take(event);
  if (scanned) {
    const field = fieldFor(scanned);
    if (field) {
      event.preventDefault();
      put(field, scanned);
      return;
    }
  }
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (target && !target.disabled) {
    event.preventDefault();
    target.click();
  } else home(event);
});

/** On the desk typing always goes into the scan box. */
function home(event) {
  const box = document.querySelector("[data-home] [data-wedge]");
  const idle = document.activeElement === document.body || document.activeElement === null;
  if (box && idle && event.key.length === 1) box.focus();
}

/** The field of the page that a scanned text belongs to: stamps to stamps, else where the cursor is, else the first. */
function fieldFor(text) {
  const fields = [...document.querySelectorAll("[data-wedge]")];
  if (/\/s\//i.test(text)) {
    const stamps = fields.find((field) => "lines" in field.dataset);
    if (stamps) return stamps;
  }
  return fields.includes(document.activeElement) ? document.activeElement : fields[0];
}

/** A field of lines takes one line more; another is filled and, on a page for scanning, sent. */
function put(field, text) {
  if ("lines" in field.dataset) {
    const lines = field.value.split("\n").filter((line) => line.trim() && !text.startsWith(line));
    field.value = [...lines, text, ""].join("\n");
    field.focus();
    return;
  }
  field.value = text;
  if (field.form.method === "get" || field.name === "text") {
    field.form.requestSubmit(field.form.querySelector("button[value=add]") ?? undefined);
  }
}

const sale = document.querySelector("[data-sale]");
if (sale) {
  const show = () => {
    const edition = sale.querySelector("input[name=edition]:checked");
    const count = Number(sale.elements.count.value);
    const total = edition && count > 0 ? Number(edition.dataset.price) * count : null;
    const words = total === null ? "–" : `${edition.dataset.currency} ${(total / 100).toFixed(2)}`;
    sale.querySelector("[data-total]").textContent = words;
  };
  sale.addEventListener("input", show);
  show();
}

const tally = document.querySelector("[data-tally]");
if (tally) {
  const boxes = [...tally.closest("form").querySelectorAll("input[name=received]")];
  const show = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    const all = ticked === boxes.length;
    tally.textContent = `Take over ${all && ticked > 1 ? "all " : ""}${ticked}${all ? "" : ` of ${boxes.length}`}`;
  };
  tally.closest("form").addEventListener("change", show);
  show();
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => print());
}

beep(document.querySelector("[role=alert]") ? 220 : document.querySelector("[role=status]") ? 880 : 0);

/** A short tone, where the browser lets a page make one. */
function beep(hertz) {
  if (!hertz || !navigator.userActivation?.hasBeenActive) return;
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  tone.frequency.value = hertz;
  tone.connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.12);
}
