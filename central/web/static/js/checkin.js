/**
 * The check-in token, byte for byte as in contract/checkin.py (big-endian):
 * certificate 121 | issued 8 (unix ms) | nonce 8 | signature 64 (P-256, r||s).
 */
export const PREFIX = "VITRINA1.";
export const CERTIFICATE_BYTES = 121;
const CONTEXT = new TextEncoder().encode("vitrina/checkin/v1\0");

export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function fromBase64(text) {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

export function toBase64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

function base64Url(bytes) {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Unix milliseconds as 8 bytes. */
function issuedBytes(milliseconds) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(milliseconds));
  return bytes;
}

/** 65-byte SEC 1 point (04 | x | y) to 33 bytes (02 or 03 | x). */
export function compressPoint(raw) {
  if (raw.length !== 65 || raw[0] !== 4) throw new Error("not an uncompressed P-256 point");
  return concat(Uint8Array.of(raw[64] % 2 ? 3 : 2), raw.subarray(1, 33));
}

export function makeKey() {
  return crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
}

export async function publicKey(pair) {
  return compressPoint(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
}

/** The text of the QR code. WebCrypto answers r||s (IEEE P1363), which is what the contract wants. */
export async function token(certificate, privateKey, now) {
  if (certificate.length !== CERTIFICATE_BYTES) throw new Error(`certificate has ${certificate.length} bytes`);
  const statement = concat(issuedBytes(Math.floor(now)), crypto.getRandomValues(new Uint8Array(8)));
  const signed = concat(CONTEXT, certificate, statement);
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, signed);
  return PREFIX + base64Url(concat(certificate, statement, new Uint8Array(signature)));
}
