/**
 * Signing for a delivery in the browser. <form data-delivery> holds the field of the code and the element #offer what is
 * signed over; both may come and go while the page is open (live.js), but not what bears data-now, the server's time when
 * the page was made. On the addressee's phone the result is a QR for the courier; on the courier's page it is sent at once.
 */

import { privateKeyToAddress } from "viem/accounts";
import { encode } from "./base32.js";
import { deliveryKey, signDelivery } from "./delivery.js";

const SOUND = 1;
const ZERO32 = `0x${"00".repeat(32)}`;

const loadedAt = performance.now();
open();
document.addEventListener("live", open);
document.addEventListener("submit", deliver);
document.addEventListener("change", show);

/** A form is hidden until its code would not be sent as it was typed. */
function open() {
  const form = document.querySelector("form[data-delivery]");
  if (form) form.hidden = false;
}

/** <input type="checkbox" data-show="id"> shows what is typed in a masked field. */
function show({ target }) {
  if (target.dataset.show) document.getElementById(target.dataset.show).type = target.checked ? "text" : "password";
}

async function deliver(event) {
  const form = event.target;
  if (!form.matches("[data-delivery]")) return;
  event.preventDefault();
  const { code, signed } = form.elements;
  if (!code.value.trim()) return;
  const offer = JSON.parse(document.getElementById("offer").textContent);
  const payload = await sign(code.value, offer, Number(form.closest("[data-now]").dataset.now));
  code.value = "";
  if (signed) {
    signed.value = payload;
    form.submit(); // not requestSubmit: the event of the first sending may still be under way
  } else showCode(form, offer, payload);
}

async function sign(code, offer, now) {
  const time = now + Math.floor((performance.now() - loadedAt) / 1000);
  const key = deliveryKey(code, offer.trailCode);
  const delivery = {
    item: offer.item,
    number: offer.number,
    giver: offer.giver,
    recipient: privateKeyToAddress(key),
    time,
    deadline: time + offer.validSeconds,
    condition: SOUND,
    evidence: ZERO32,
  };
  const signature = await signDelivery(offer.contracts, delivery, key);
  return encode(
    Uint8Array.from([
      ...numberBytes(delivery.number, 4),
      ...numberBytes(delivery.giver, 5),
      ...numberBytes(delivery.time, 5),
      ...numberBytes(delivery.deadline, 5),
      ...signature.slice(2).match(/../g).map((pair) => parseInt(pair, 16)),
    ]),
  );
}

function numberBytes(number, size) {
  const hex = number.toString(16).padStart(size * 2, "0");
  return hex.match(/../g).map((pair) => parseInt(pair, 16));
}

function showCode(form, offer, payload) {
  const picture = form.querySelector("img");
  picture.src = `/T/${encodeURIComponent(offer.trailCode)}/signed/${payload}.svg`;
  picture.hidden = false;
  form.querySelector("[data-says]").textContent =
    "Signed. Show this code to the courier within 15 minutes. Your delivery code stayed on this device.";
  picture.scrollIntoView({ block: "center" });
}
