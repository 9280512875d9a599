/**
 * Check-in by touch where the browser can write to a tag (Web NFC: Chrome on Android). The reader at the entrance
 * offers a dynamic tag; what is written there is the same text as in the QR code, as one NDEF text record.
 */
export const offered = () => "NDEFReader" in window;

/** Waits for a tag, at most `patience` ms; `make()` gives the text at the last moment, for it lives 30 s. */
export async function touch(make, patience) {
  const waiting = new AbortController();
  const timer = setTimeout(() => waiting.abort(), patience);
  try {
    const reader = new window.NDEFReader();
    await reader.write({ records: [{ recordType: "text", lang: "en", data: await make() }] }, { signal: waiting.signal, overwrite: true });
  } finally {
    clearTimeout(timer);
  }
}
