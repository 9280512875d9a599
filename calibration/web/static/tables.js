/** The same drawing as tables of coordinates, for the keyboard and for numbers that were measured. */
import { make, say, words } from "./wire.js";

/** An input for one coordinate; empty means not given. */
export function number(value, label, change, { step = "0.01", invalid = false } = {}) {
  const input = make("input", {
    type: "number", step, "aria-label": label, inputmode: "decimal", "aria-invalid": invalid ? "true" : undefined,
  });
  input.value = value === null || value === undefined ? "" : Number(value.toFixed(4));
  input.addEventListener("change", () => change(input.value === "" ? null : Number(input.value)));
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
  const held = [value?.[0] ?? null, value?.[1] ?? null];
  const set = (index) => (given) => {
    held[index] = given;
    if (held[0] !== null && held[1] !== null) change([...held]);
    else if (held[0] === null && held[1] === null) change(null);
  };
  return [number(held[0], `${label} x`, set(0), options), number(held[1], `${label} y`, set(1), options)];
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
    note.addEventListener("change", () => change(index, { note: note.value }));
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
  field.addEventListener("change", () => rename(field.value.trim()));
  const pick = make("button", { type: "button", class: "button small", "aria-pressed": String(chosen), onclick: choose }, words.draw_it);
  return make("div", { class: `item ${chosen ? "chosen" : ""}` },
    make("div", { class: "row between" }, make("span", { class: "row" }, field, pick), remover(`${words.remove}: ${id}`, remove)),
    ...content, ...marks(findings));
}
