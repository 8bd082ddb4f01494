/** Passkeys: registers this device, and signs a record with it. The digest is the challenge; one gesture for a whole list. */

const data = document.getElementById("passkey");
const asked = data ? JSON.parse(data.textContent) : null;

if (asked) {
  const here = location.origin === data.dataset.home && "credentials" in navigator;
  for (const form of document.querySelectorAll("[data-register], [data-sign]")) form.hidden = !here;
  document.querySelector("[data-elsewhere]").hidden = here;
  listen("[data-register]", register);
  listen("[data-sign]", sign);
}

function listen(selector, act) {
  const form = document.querySelector(selector);
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const says = form.querySelector("[data-says]");
    says.textContent = "The device asks you now.";
    try {
      await act(form);
      form.submit(); // not requestSubmit: the event of the first sending may still be under way
    } catch (error) {
      says.textContent = `The device did not sign (${error.name}). Try again.`;
    }
  });
}

async function register(form) {
  const options = {
    ...asked,
    challenge: bytes(asked.challenge),
    user: { ...asked.user, id: bytes(asked.user.id) },
    excludeCredentials: asked.excludeCredentials.map((one) => ({ ...one, id: bytes(one.id) })),
  };
  const made = await navigator.credentials.create({ publicKey: options });
  const { clientDataJSON, attestationObject } = made.response;
  form.elements.credential.value = JSON.stringify({
    id: made.id,
    rawId: made.id,
    type: made.type,
    response: { clientDataJSON: text(clientDataJSON), attestationObject: text(attestationObject) },
  });
}

async function sign(form) {
  const made = await navigator.credentials.get({
    publicKey: {
      challenge: bytes(asked.challenge),
      rpId: asked.rpId,
      allowCredentials: [{ type: "public-key", id: bytes(asked.credential) }],
      userVerification: "required",
    },
  });
  const { authenticatorData, clientDataJSON, signature } = made.response;
  const signed = new URLSearchParams({
    signed_at: asked.time,
    credential: made.id,
    authenticator: text(authenticatorData),
    client: text(clientDataJSON),
    signature: text(signature),
  });
  form.action = `${form.getAttribute("action")}?${signed}`;
}

function bytes(base64url) {
  const binary = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (one) => one.charCodeAt(0));
}

function text(buffer) {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
