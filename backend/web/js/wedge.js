/**
 * Text from a hand scanner that types like a keyboard (a wedge), read by the place of each key (event.code).
 *
 * A scanner set to the US layout on a machine set to French or German garbles a URL when it is read by
 * event.key; the places of the keys do not change.
 */

const SHIFTED = { Minus: "_", Equal: "+", Slash: "?", Semicolon: ":", Digit7: "&", Digit5: "%", Digit3: "#" };
const PLAIN = { Minus: "-", Equal: "=", Slash: "/", Semicolon: ";", Period: ".", Comma: ",", Space: " " };
const PAD = { NumpadSubtract: "-", NumpadAdd: "+", NumpadDivide: "/", NumpadDecimal: "." };
// Between two keys of a scanner pass a few milliseconds; a person needs more.
const SCANNER_MS = 40;
const SHORTEST = 6;

/** The character of a key by its place on a US keyboard; null for a key that writes none. */
export function characterOf({ code, shiftKey }) {
  if (/^Key[A-Z]$/.test(code)) return shiftKey ? code[3] : code[3].toLowerCase();
  if (shiftKey && SHIFTED[code]) return SHIFTED[code];
  if (/^Digit\d$/.test(code)) return code[5];
  if (/^Numpad\d$/.test(code)) return code[6];
  return PLAIN[code] ?? PAD[code] ?? null;
}

/** Collects keys; `take(event)` gives the scanned text at Enter or Tab after a burst of a scanner, else null. */
export class Wedge {
  #text = "";
  #last = 0;

  take(event) {
    const end = event.code === "Enter" || event.code === "NumpadEnter" || event.code === "Tab";
    const inBurst = event.timeStamp - this.#last < SCANNER_MS;
    if (end) {
      const text = inBurst && this.#text.length >= SHORTEST ? this.#text : null;
      this.#text = "";
      return text;
    }
    const character = characterOf(event);
    if (character === null) return null;
    this.#text = inBurst ? this.#text + character : character;
    this.#last = event.timeStamp;
    return null;
  }
}
