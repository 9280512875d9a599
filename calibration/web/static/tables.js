/** The same drawing as tables of coordinates, for the keyboard and for numbers that were measured. */
import { make, say, words } from "./wire.js";

/** Tell a change once, however the browser tells it: what `redraw` put back makes no event of its own. */
function tell(input, change) {
  input.dataset.said = input.value;
  const give = () => {
    if (input.value === input.dataset.said) return;
    input.dataset.said = input.value;
    change(input.value);
  };
  input.addEventListener("change", give);
  input.addEventListener("blur", give);
}

/** Draw the tables anew, while somebody may be typing in them: what is typed, or half given, stays, and so does the focus. */
export function redraw(host, fill) {
  const inputs = () => [...host.querySelectorAll("input[aria-label]")];
  const name = (input) => input.getAttribute("aria-label");
  const kept = inputs().filter((input) => input.value !== input.dataset.said || input.hasAttribute("data-half"));
  const focused = inputs().find((input) => input === document.activeElement);
  const unsaid = new Set(kept.filter((input) => input.value !== input.dataset.said));
  for (const input of inputs()) input.dataset.said = input.value; // a browser that tells of a blur on removal tells nothing
  fill();
  const found = new Map(inputs().map((input) => [name(input), input]));
  for (const old of kept) {
    const input = found.get(name(old));
    if (!input || (!unsaid.has(old) && input.value !== "")) continue;
    input.value = old.value;
    if (!unsaid.has(old)) input.dataset.said = old.value;
    input.toggleAttribute("data-half", old.hasAttribute("data-half"));
  }
  if (focused) found.get(name(focused))?.focus({ preventScroll: true });
}

/** An input for one coordinate; empty means not given. */
function number(value, label, change, { step = "0.01", invalid = false } = {}) {
  const input = make("input", {
    type: "number", step, "aria-label": label, inputmode: "decimal", "aria-invalid": invalid ? "true" : undefined,
  });
  input.value = value === null || value === undefined ? "" : Number(value.toFixed(4));
  tell(input, change);
  return input;
}

export function remover(label, action) {
  return make("button", { type: "button", class: "button small remove", "aria-label": label, title: label, onclick: action }, "✕");
}

/** What is wrong at a place: faults first. */
export function marks(findings) {
  return findings
    .slice()
    .sort((a, b) => a.warning - b.warning)
    .map((one) => make("p", { class: one.warning ? "remark" : "fault" }, say(`find_${one.word}`, one.values)));
}

/** A pair of inputs; `change` gets [x, y] once both are there, null when both are empty. */
export function pair(value, label, change, options = {}) {
  const set = () => {
    const given = inputs.map((input) => (input.value === "" ? null : Number(input.value)));
    const missing = given.filter((one) => one === null).length;
    for (const input of inputs) input.toggleAttribute("data-half", missing === 1);
    if (missing !== 1) change(missing ? null : given);
  };
  const inputs = ["x", "y"].map((axis, index) => number(value?.[index], `${label} ${axis}`, set, options));
  return inputs;
}

export function pointTable(host, model) {
  const { points, errors, findings, chosen, choose, change, remove } = model;
  const body = make("tbody");
  points.forEach((point, index) => {
    const own = findings.filter((one) => one.place[0] === "points" && one.place[1] === index);
    const suspect = own.some((one) => !one.warning);
    const name = `${words.point} ${index + 1}`;
    const [u, v] = pair(point.image, `${name}, ${words.in_picture}`, (given) => change(index, { image: given }), { step: "0.1" });
    const [x, y] = pair(point.floor, `${name}, ${words.on_plan}`, (given) => change(index, { floor: given }));
    const note = make("input", { type: "text", maxlength: "120", "aria-label": `${name}, ${words.note}`, size: "12" });
    note.value = point.note;
    tell(note, (text) => change(index, { note: text }));
    const pick = make("button", { type: "button", class: "button small", "aria-pressed": String(chosen === index), onclick: () => choose(index) }, String(index + 1));
    const error = errors[index];
    body.append(
      make("tr", { class: suspect ? "suspect" : chosen === index ? "chosen" : "" },
        make("td", {}, pick), make("td", {}, u), make("td", {}, v), make("td", {}, x), make("td", {}, y),
        make("td", { class: "number" }, error === null || error === undefined ? "—" : `${error.toFixed(2)} ${words.metre}`),
        make("td", {}, note),
        make("td", {}, remover(`${words.remove}: ${name}`, () => remove(index))),
      ),
    );
    if (own.length) body.append(make("tr", {}, make("td", { colspan: "8" }, ...marks(own))));
  });
  const heads = ["#", `${words.in_picture} x`, `${words.in_picture} y`, `${words.on_plan} x`, `${words.on_plan} y`, words.error, words.note, ""];
  const whole = make("table", {}, make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))), body);
  host.replaceChildren(make("div", { class: "tablewrap" }, whole), ...marks(findings.filter((one) => one.place[0] === "points" && one.place.length === 1)));
}

/** Corners of a polygon as inputs. */
export function corners(polygon, name, change, options = {}) {
  const rows = polygon.map((corner, index) => {
    const label = `${name}, ${words.corner} ${index + 1}`;
    const [x, y] = pair(corner, label, (given) => change(given ? polygon.with(index, given) : polygon.toSpliced(index, 1)), options);
    return make("span", { class: "corner" }, `${index + 1}`, x, y, remover(`${words.remove}: ${label}`, () => change(polygon.toSpliced(index, 1))));
  });
  return make("div", { class: "corners" }, ...rows);
}

/** A card for one zone, line or label. */
export function item({ id, name, chosen, choose, rename, remove, findings }, ...content) {
  const field = make("input", { type: "text", maxlength: "40", "aria-label": `${name}: ${words.id}`, size: "14", "aria-invalid": findings.some((one) => one.word === "bad_id" || one.word === "twice") ? "true" : undefined });
  field.value = id;
  tell(field, (text) => rename(text.trim()));
  const pick = make("button", { type: "button", class: "button small", "aria-pressed": String(chosen), onclick: choose }, words.draw_it);
  return make("div", { class: `item ${chosen ? "chosen" : ""}` },
    make("div", { class: "row between" }, make("span", { class: "row" }, field, pick), remover(`${words.remove}: ${id}`, remove)),
    ...content, ...marks(findings));
}
