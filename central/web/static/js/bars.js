/** Bars and durations of tables. */
import { fill, language } from "./texts.js";

const SVG = "http://www.w3.org/2000/svg";
const oneDigit = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });

export function duration(seconds, texts) {
  if (seconds < 90) return fill(texts.seconds, { n: Math.round(seconds) });
  const minutes = seconds / 60;
  return fill(texts.minutes, { n: minutes < 10 ? oneDigit.format(minutes) : Math.round(minutes) });
}

/** A bar of `share` (0..1) of its place. */
export function bar(share) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "bar");
  svg.setAttribute("aria-hidden", "true");
  for (const [name, width] of [["track", 100], ["fill", 100 * share]]) {
    const rect = document.createElementNS(SVG, "rect");
    rect.setAttribute("class", name);
    rect.setAttribute("width", `${width}%`);
    rect.setAttribute("height", "6");
    rect.setAttribute("rx", "3");
    svg.append(rect);
  }
  return svg;
}

/** A table row: a heading and right-aligned values (a value may be [text, small text]). On a phone the column's name
 * stands before each value (`labels`), and roles say that it is still a table. */
export function row(heading, values, share = null, labels = []) {
  const line = document.createElement("tr");
  line.setAttribute("role", "row");
  const first = document.createElement("th");
  first.scope = "row";
  first.setAttribute("role", "rowheader");
  first.textContent = heading;
  if (share !== null) first.append(bar(share));
  line.append(first, ...values.map((value, index) => {
    const cell = document.createElement("td");
    cell.setAttribute("role", "cell");
    if (labels[index]) cell.dataset.label = labels[index];
    cell.className = "right number";
    const [text, small] = Array.isArray(value) ? value : [value, null];
    cell.textContent = text;
    if (small) {
      const note = document.createElement("small");
      note.className = "quiet";
      note.textContent = small;
      cell.append(" ", note);
    }
    return cell;
  }));
  return line;
}
