/** Translated texts a page carries in a JSON block: scripts hold no words of their own. */
export function readJson(id) {
  const block = document.getElementById(id);
  return block ? JSON.parse(block.textContent) : {};
}

export const texts = readJson("texts");

/** Fill {name} places of a text. */
export function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

export const language = document.documentElement.lang || "en";

/** Short message at the bottom of the screen; read out by screen readers. */
export function toast(text) {
  const box = document.getElementById("toasts");
  const note = document.createElement("p");
  note.className = "toast";
  note.textContent = text;
  box.append(note);
  setTimeout(() => note.remove(), 6000);
}

/** Seconds as a shop says them. */
export function since(seconds) {
  if (seconds < 45) return texts.justNow;
  if (seconds < 3570) return fill(texts.minutes, { n: Math.max(1, Math.round(seconds / 60)) });
  if (seconds < 86400) return fill(texts.hours, { n: Math.round(seconds / 3600) });
  return fill(texts.days, { n: Math.round(seconds / 86400) });
}
