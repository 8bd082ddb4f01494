/**
 * Signing for a delivery in the browser. <form data-delivery> holds the field of the code and the element #offer what is
 * signed over. On the addressee's phone the result is a QR for the courier; on the courier's page it is sent at once.
 */

import { privateKeyToAddress } from "viem/accounts";
import { encode } from "./base32.js";
import { deliveryKey, signDelivery } from "./delivery.js";

const OFFER_SECONDS = 15 * 60;
const SOUND = 1;
const ZERO32 = `0x${"00".repeat(32)}`;

const form = document.querySelector("form[data-delivery]");
const offer = JSON.parse(document.getElementById("offer").textContent);
const says = form.querySelector("[data-says]");
const loadedAt = performance.now();
form.hidden = false;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { code, signed } = form.elements;
  if (!code.value.trim()) return;
  const payload = await sign(code.value);
  code.value = "";
  if (signed) {
    signed.value = payload;
    form.submit(); // not requestSubmit: the event of the first sending may still be under way
  } else show(payload);
});

async function sign(code) {
  const time = offer.now + Math.floor((performance.now() - loadedAt) / 1000);
  const key = deliveryKey(code, offer.trailCode);
  const delivery = {
    item: offer.item,
    number: offer.number,
    giver: offer.giver,
    recipient: privateKeyToAddress(key),
    time,
    deadline: time + OFFER_SECONDS,
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

function show(payload) {
  const picture = form.querySelector("img");
  picture.src = `/T/${encodeURIComponent(offer.trailCode)}/signed/${payload}.svg`;
  picture.hidden = false;
  says.textContent = "Signed. Show this code to the courier within 15 minutes. Your delivery code stayed on this device.";
  picture.scrollIntoView({ block: "center" });
}
