/**
 * Crockford's base32, as codes on paper are written (stamps/base32.py): one number, most significant
 * digit first, I and L read as 1, O as 0, case and hyphens without meaning.
 */

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A text that is no code; the message says what is wrong. */
export class BadCode extends Error {}

/** The letters of a typed or scanned code, upper case, without blanks and hyphens. */
export function letters(text) {
  return text.toUpperCase().replace(/[\s-]/g, "").replace(/[IL]/g, "1").replace(/O/g, "0");
}

/** The `size` bytes that `text` spells. Throws BadCode on a wrong length, character or excess. */
export function decode(text, size) {
  const spelled = letters(text);
  const expected = Math.ceil((size * 8) / 5);
  if (spelled.length !== expected) {
    throw new BadCode(`it has ${spelled.length} characters, a code has ${expected}`);
  }
  let number = 0n;
  for (const character of spelled) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) throw new BadCode(`${character} stands in no code`);
    number = (number << 5n) | BigInt(value);
  }
  if (number >> BigInt(size * 8)) throw new BadCode("its first character is too large");
  return bytesOf(number, size);
}

/** The spelling of bytes: ceil(8 n / 5) characters. */
export function encode(bytes) {
  let number = 0n;
  for (const byte of bytes) number = (number << 8n) | BigInt(byte);
  let text = "";
  for (let i = Math.ceil((bytes.length * 8) / 5); i > 0; i--) {
    text = ALPHABET[Number(number & 31n)] + text;
    number >>= 5n;
  }
  return text;
}

/** Whether the two check symbols at the end are those of the letters before (base32.check_symbols): zero at 1 and at x. */
export function checks(text) {
  let parity = 0;
  let weighted = 0;
  for (const character of text) {
    const value = ALPHABET.indexOf(character);
    parity ^= value;
    weighted = timesX(weighted) ^ value;
  }
  return parity === 0 && weighted === 0;
}

/** In GF(32), with x^5 = x^2 + 1. */
function timesX(value) {
  return (value << 1) ^ (value & 16 ? 0b100101 : 0);
}

function bytesOf(number, size) {
  const bytes = new Uint8Array(size);
  for (let i = size - 1; i >= 0; i--) {
    bytes[i] = Number(number & 255n);
    number >>= 8n;
  }
  return bytes;
}
