/** The floor page: one drawing (state), shown as picture, plan and tables; the server judges every change. */
import { Pane } from "./pane.js";
import { corners, item, marks, pair, pointTable, redraw } from "./tables.js";
import { ask, element, make, notice, Refused, say, told, words } from "./wire.js";

const TOOLS = ["points", "zones", "lines", "lane", "labels"];
const JUDGE_MS = 180;
const state = { width_m: 10, height_m: 8, drawing: null, points: [], zones: [], lines: [], lane: [], labels: [] };
let tool = "points";
let chosen = 0;
let verdict = { errors_m: [], findings: [], view: [], picture: { grid: [], zones: [], lines: [] }, state: "UNCALIBRATED" };
let image = null;
let planImage = null;
let scaling = null;
let settingCorner = false;
let markerPlaces = {};
let judging = 0;
let judgeTimer = 0;

const picture = new Pane(element("picture"), { label: words.picture_head, step: 1, digits: 1, onclick: onPicture });
const plan = new Pane(element("plan"), { label: words.plan_head, step: 0.01, digits: 2, onclick: onPlan });
picture.onzoom = plan.onzoom = show;
element("picture-zoom").append(picture.zoomButtons());
element("plan-zoom").append(plan.zoomButtons());

/* Changes ---------------------------------------------------------------------------------------------------------- */

function changed() {
  show();
  clearTimeout(judgeTimer);
  judgeTimer = setTimeout(judge, JUDGE_MS);
}

const draft = () => ({ operator: element("operator").value.trim(), ...state });

async function judge() {
  const number = ++judging;
  try {
    const answer = await (await ask("judge", draft())).json();
    if (number !== judging) return;
    verdict = answer;
    show();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(told(error), "bad");
  }
}

const at = (list) => Math.min(Math.max(chosen, 0), list.length - 1);
const fresh = (list, stem) => {
  let index = list.length + 1;
  while (list.some((one) => one.id === `${stem}-${index}`)) index += 1;
  return `${stem}-${index}`;
};

function onPicture(place) {
  if (tool === "points") givePoint("image", place);
  else if (tool === "lane") state.lane = [...state.lane, fraction(place)];
  else return;
  changed();
}

function onPlan(place) {
  if (scaling) return measure(place);
  if (settingCorner) return moveCorner(place);
  if (tool === "points") givePoint("floor", place);
  else if (tool === "zones") {
    if (!state.zones.length) state.zones.push({ id: fresh([], "zone"), polygon: [] });
    const zone = state.zones[at(state.zones)];
    zone.polygon = [...zone.polygon, place];
  } else if (tool === "lines") giveLine(place);
  else if (tool === "labels") {
    const label = state.labels[at(state.labels)];
    if (label && !label.position) label.position = place;
    else chosen = state.labels.push({ id: fresh(state.labels, "label"), position: place }) - 1;
  } else return undefined;
  return changed();
}

/** The chosen point gets the half it lacks; otherwise the first that lacks it, or a new one. */
function givePoint(half, place) {
  const wanting = [state.points[chosen], ...state.points].findIndex((point) => point && !point[half]);
  if (wanting > 0) chosen = wanting - 1;
  else if (wanting < 0) chosen = state.points.push({ image: null, floor: null, note: "" }) - 1;
  state.points[chosen][half] = place;
}

function giveLine(place) {
  let line = state.lines[at(state.lines)];
  if (!line || (line.from && line.to && line.inside)) {
    chosen = state.lines.push({ id: fresh(state.lines, "line"), from: null, to: null, inside: null }) - 1;
    line = state.lines[chosen];
  }
  if (!line.from) line.from = place;
  else if (!line.to) line.to = place;
  else line.inside = place;
}

const fraction = ([x, y]) => [Number((x / picture.size[0]).toFixed(4)), Number((y / picture.size[1]).toFixed(4))];

/** For the keyboard: something new to fill in. */
function add() {
  if (tool === "points") chosen = state.points.push({ image: null, floor: null, note: "" }) - 1;
  else if (tool === "zones") chosen = state.zones.push({ id: fresh(state.zones, "zone"), polygon: [] }) - 1;
  else if (tool === "lines") chosen = state.lines.push({ id: fresh(state.lines, "line"), from: null, to: null, inside: null }) - 1;
  else if (tool === "lane") state.lane = [...state.lane, [0.5, 0.5]];
  else chosen = state.labels.push({ id: fresh(state.labels, "label"), position: null }) - 1;
  changed();
  const rows = element("table").querySelectorAll(".item, tbody tr");
  rows[rows.length - 1]?.querySelector("input")?.focus();
}

/* The plan's drawing ------------------------------------------------------------------------------------------------ */

function loadDrawing(file) {
  const url = URL.createObjectURL(file);
  const probe = new Image();
  probe.onload = () => {
    const [width, height] = [probe.naturalWidth || 1000, probe.naturalHeight || 800];
    const known = state.drawing?.name === file.name ? state.drawing : null;
    state.drawing = known ?? { name: file.name, metres_per_pixel: state.width_m / width, corner: [0, 0] };
    planImage = { url, width, height };
    if (!known) state.height_m = Number((height * state.drawing.metres_per_pixel).toFixed(2));
    notice(known ? "" : words.scale_next);
    changed();
  };
  probe.onerror = () => notice(words.error_drawing, "bad");
  probe.src = url;
}

function measure(place) {
  scaling = [...(scaling.length === 2 ? [] : scaling), place];
  element("apply").disabled = scaling.length !== 2;
  if (scaling.length === 2) element("distance").focus();
  show();
}

function applyScale() {
  const real = Number(element("distance").value);
  const [a, b] = scaling ?? [];
  const drawn = a && b ? Math.hypot(a[0] - b[0], a[1] - b[1]) : 0;
  if (!(real > 0) || drawn < 0.01) return notice(words.error_scale, "bad");
  const factor = real / drawn;
  state.drawing.metres_per_pixel = Number((state.drawing.metres_per_pixel * factor).toPrecision(9));
  fitPlan();
  scaling = null;
  notice(say("scaled", { width: state.width_m, height: state.height_m }), "good");
  return changed();
}

function moveCorner(place) {
  const by = state.drawing.metres_per_pixel;
  const [x, y] = state.drawing.corner;
  state.drawing.corner = [Number((x + place[0] / by).toFixed(2)), Number((y + place[1] / by).toFixed(2))];
  settingCorner = false;
  fitPlan();
  changed();
}

function fitPlan() {
  const { metres_per_pixel: by, corner } = state.drawing;
  state.width_m = Number(((planImage.width - corner[0]) * by).toFixed(2));
  state.height_m = Number(((planImage.height - corner[1]) * by).toFixed(2));
}

/* The camera's picture ---------------------------------------------------------------------------------------------- */

async function take() {
  element("take").disabled = true;
  try {
    const response = await ask("still");
    if (image) URL.revokeObjectURL(image.url);
    image = { url: URL.createObjectURL(await response.blob()), width: Number(response.headers.get("X-Width")), height: Number(response.headers.get("X-Height")) };
    element("picture-empty").hidden = true;
    picture.resize(image.width, image.height);
    notice("");
    await judge();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(told(error), "bad");
  } finally {
    element("take").disabled = false;
  }
}

async function findMarkers() {
  try {
    markerPlaces = (await (await ask("markers")).json()).markers;
    showMarkers();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(told(error), "bad");
  }
}

/** Each marker found wants its place on the plan; then it is a point. */
function showMarkers() {
  const host = element("markers");
  const numbers = Object.keys(markerPlaces);
  host.hidden = false;
  if (!numbers.length) return host.replaceChildren(make("p", { class: "remark" }, words.no_markers));
  const rows = numbers.map((one) => {
    const note = `ArUco ${one}`;
    const known = state.points.find((point) => point.note === note);
    const set = (floor) => {
      const point = state.points.find((other) => other.note === note);
      if (point) Object.assign(point, { floor, image: markerPlaces[one] });
      else if (floor) state.points.push({ image: markerPlaces[one], floor, note });
      changed();
    };
    if (known) known.image = markerPlaces[one];
    return make("span", { class: "corner" }, `${note}:`, ...pair(known?.floor, `${note}, ${words.on_plan}`, set));
  });
  changed();
  return host.replaceChildren(make("p", { class: "quiet" }, words.marker_places), make("div", { class: "corners" }, ...rows));
}

/* Showing ----------------------------------------------------------------------------------------------------------- */

const about = (section, index) => verdict.findings.filter((one) => one.place[0] === section && (index === undefined || one.place[1] === index));
const faulty = (section, index) => about(section, index).some((one) => !one.warning);
const middle = (polygon) => [0, 1].map((axis) => polygon.reduce((sum, corner) => sum + corner[axis], 0) / polygon.length);

function show() {
  plan.resize(state.width_m, state.height_m);
  showPicture();
  showPlan();
  showTable();
  showState();
}

function showPicture() {
  picture.clear();
  if (!image) return;
  picture.back.append(imageElement(image.url, 0, 0, image.width, image.height));
  for (const line of verdict.picture.grid) picture.line(line, "grid");
  for (const zone of verdict.picture.zones) if (zone.length) picture.line(zone, "shape ghost", true);
  for (const line of verdict.picture.lines) if (line.length) picture.line(line, "wire ghost");
  const lane = state.lane.map(([x, y]) => [x * image.width, y * image.height]);
  if (lane.length) picture.line(lane, `shape ${faulty("lane") ? "fault" : ""}`, true);
  if (tool === "points") showPoints(picture, "image");
  if (tool === "lane") {
    lane.forEach((corner, index) => picture.handle(corner, {
      key: `lane-${index}`, name: `${words.lane}, ${words.corner} ${index + 1}`, text: String(index + 1),
      move: (to) => { state.lane = state.lane.with(index, fraction(to)); changed(); },
      remove: () => { state.lane = state.lane.toSpliced(index, 1); changed(); },
    }));
  }
  picture.settle();
}

function showPoints(pane, half) {
  state.points.forEach((point, index) => {
    if (!point[half]) return;
    const other = half === "image" ? "floor" : "image";
    pane.handle(point[half], {
      key: `point-${index}`, name: `${words.point} ${index + 1}`, text: String(index + 1),
      kind: `${faulty("points", index) ? "suspect" : ""} ${point[other] ? "" : "half"} ${index === chosen ? "chosen" : ""}`,
      move: (to) => { point[half] = to; chosen = index; changed(); },
      choose: () => { chosen = index; show(); },
      remove: () => { state.points.splice(index, 1); changed(); },
    });
  });
}

function showPlan() {
  plan.clear();
  if (planImage && state.drawing) {
    const { metres_per_pixel: by, corner } = state.drawing;
    plan.back.append(imageElement(planImage.url, -corner[0] * by, -corner[1] * by, planImage.width * by, planImage.height * by));
  } else planGrid();
  if (verdict.view.length) plan.line(verdict.view, "seen", true);
  state.zones.forEach(showZone);
  state.lines.forEach(showLine);
  state.labels.forEach(showLabel);
  if (tool === "points") showPoints(plan, "floor");
  (scaling ?? []).forEach((place, index) => plan.handle(place, { key: `scale-${index}`, name: words.scale, text: "AB"[index], move: (to) => { scaling[index] = to; show(); } }));
  plan.settle();
}

function planGrid() {
  const step = Math.max(state.width_m, state.height_m) > 40 ? 5 : 1;
  for (let x = 0; x <= state.width_m; x += step) plan.line([[x, 0], [x, state.height_m]], "seen");
  for (let y = 0; y <= state.height_m; y += step) plan.line([[0, y], [state.width_m, y]], "seen");
}

function imageElement(url, x, y, width, height) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "image");
  for (const [name, value] of Object.entries({ href: url, x, y, width, height, preserveAspectRatio: "none" })) made.setAttribute(name, value);
  return made;
}

function showZone(zone, index) {
  const mine = tool === "zones" && index === at(state.zones);
  if (zone.polygon.length) {
    const shape = plan.line(zone.polygon, `shape ${mine ? "chosen" : ""} ${faulty("zones", index) ? "fault" : ""}`, true);
    plan.text(middle(zone.polygon), zone.id);
    if (tool === "zones" && !mine) shape.addEventListener("click", (event) => { event.stopPropagation(); chosen = index; show(); });
  }
  if (!mine) return;
  zone.polygon.forEach((corner, place) => plan.handle(corner, {
    key: `zone-${index}-${place}`, name: `${zone.id}, ${words.corner} ${place + 1}`, text: String(place + 1),
    move: (to) => { zone.polygon = zone.polygon.with(place, to); changed(); },
    remove: () => { zone.polygon = zone.polygon.toSpliced(place, 1); changed(); },
  }));
}

function showLine(line, index) {
  if (line.from && line.to) {
    plan.line([line.from, line.to], `wire ${faulty("lines", index) ? "fault" : ""}`);
    plan.text(middle([line.from, line.to]), line.id);
  }
  if (tool !== "lines" || index !== at(state.lines)) return;
  for (const [half, text] of [["from", "1"], ["to", "2"], ["inside", "↓"]]) {
    if (!Array.isArray(line[half])) continue;
    plan.handle(line[half], { key: `line-${index}-${half}`, name: `${line.id}, ${words[`line_${half}`]}`, text, move: (to) => { line[half] = to; changed(); } });
  }
}

function showLabel(label, index) {
  if (!label.position) return;
  if (tool !== "labels") return plan.line([label.position, label.position], "wire");
  return plan.handle(label.position, {
    key: `label-${index}`, name: label.id, text: "▭", kind: index === chosen ? "chosen" : "",
    move: (to) => { label.position = to; changed(); }, choose: () => { chosen = index; show(); },
    remove: () => { state.labels.splice(index, 1); changed(); },
  });
}

function showTable() {
  const host = element("table");
  redraw(host, () => fillTable(host));
}

function fillTable(host) {
  element("table-head").textContent = words[`tool_${tool}`];
  element("add").textContent = words[`add_${tool}`];
  if (tool === "points") {
    pointTable(host, {
      points: state.points, errors: verdict.errors_m, findings: verdict.findings, chosen,
      choose: (index) => { chosen = index; show(); },
      change: (index, change) => { Object.assign(state.points[index], change); chosen = index; changed(); },
      remove: (index) => { state.points.splice(index, 1); changed(); },
    });
  } else if (tool === "zones") host.replaceChildren(...state.zones.map(zoneCard));
  else if (tool === "lines") host.replaceChildren(...state.lines.map(lineCard));
  else if (tool === "labels") host.replaceChildren(...state.labels.map(labelCard));
  else host.replaceChildren(corners(state.lane, words.lane, (given) => { state.lane = given; changed(); }, { step: "0.001" }), ...marks(about("lane")));
}

function cardOf(section, one, index, ...content) {
  const list = state[section];
  return item({
    id: one.id, name: words[`tool_${section}`], chosen: index === at(list), findings: about(section, index),
    choose: () => { chosen = index; show(); },
    rename: (id) => { one.id = id; changed(); },
    remove: () => { list.splice(index, 1); changed(); },
  }, ...content);
}

const zoneCard = (zone, index) => cardOf("zones", zone, index,
  corners(zone.polygon, zone.id, (given) => { zone.polygon = given; changed(); }),
  make("div", { class: "row" }, make("button", { type: "button", class: "button small", onclick: () => { zone.polygon = [...zone.polygon, zone.polygon.length ? zone.polygon.at(-1) : [0, 0]]; chosen = index; changed(); } }, words.add_corner)));

function lineCard(line, index) {
  const ends = ["from", "to", "inside"].map((half) => make("span", { class: "corner" }, words[`line_${half}`],
    ...pair(Array.isArray(line[half]) ? line[half] : null, `${line.id}, ${words[`line_${half}`]}`, (given) => { line[half] = given; changed(); })));
  return cardOf("lines", line, index, make("div", { class: "corners" }, ...ends));
}

const labelCard = (label, index) => cardOf("labels", label, index,
  make("div", { class: "corners" }, make("span", { class: "corner" }, words.on_plan, ...pair(label.position, label.id, (given) => { label.position = given; changed(); }))));

function showState() {
  const chip = element("state");
  const text = words[`state_${verdict.state}`] + (verdict.residual_m ? ` · ${verdict.residual_m.toFixed(2)} ${words.metre}` : "");
  if (chip.textContent !== text) chip.textContent = text;
  chip.className = `chip ${verdict.state}`;
  element("advice").textContent = scaling ? words.advice_scale : settingCorner ? words.advice_corner : words[`advice_${tool}`];
  for (const [id, value] of [["width", state.width_m], ["height", state.height_m]]) if (document.activeElement !== element(id)) element(id).value = value;
  element("scaling").hidden = !planImage;
  element("scale").setAttribute("aria-pressed", String(Boolean(scaling)));
  element("corner").setAttribute("aria-pressed", String(settingCorner));
  for (const button of element("tools").children) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
  const lines = verdict.findings.map((one) => make("li", { class: one.warning ? "remark" : "fault" }, `${where(one.place)}: ${say(`find_${one.word}`, one.values)}`));
  element("summary").replaceChildren(...(lines.length ? lines : [make("li", {}, words.all_well)]));
}

function where(place) {
  const [section, index] = place;
  const name = words[`tool_${section}`];
  if (index === undefined) return name;
  return section === "points" ? `${words.point} ${index + 1}` : (state[section][index]?.id ?? name);
}

/* Beginning and end ------------------------------------------------------------------------------------------------- */

async function save() {
  element("saved").hidden = true;
  try {
    const answer = await (await ask("save", draft())).json();
    const parts = [say("saved", { files: answer.files.join(", ") })];
    parts.push(answer.calibrated ? words[`saved_${answer.state}`] : words.saved_without);
    if (answer.calibrated) parts.push(answer.watched ? words.saved_watched : words.saved_unwatched);
    element("saved").textContent = parts.join(" ");
    element("saved").className = `banner ${answer.state === "VALID" ? "good" : ""}`;
    element("saved").hidden = false;
    notice("");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(told(error), "bad");
    if (error.word === "no_operator") element("operator").focus();
  }
}

function wire() {
  for (const name of TOOLS) {
    element("tools").append(make("button", { type: "button", class: "button", "data-tool": name, onclick: () => { tool = name; chosen = 0; scaling = null; settingCorner = false; show(); } }, words[`tool_${name}`]));
  }
  element("add").addEventListener("click", add);
  element("take").addEventListener("click", take);
  element("find").addEventListener("click", findMarkers);
  element("save").addEventListener("click", save);
  element("drawing").addEventListener("change", (event) => { if (event.target.files[0]) loadDrawing(event.target.files[0]); });
  element("scale").addEventListener("click", () => { scaling = scaling ? null : []; settingCorner = false; show(); });
  element("apply").addEventListener("click", applyScale);
  element("corner").addEventListener("click", () => { settingCorner = !settingCorner; scaling = null; show(); });
  for (const [id, key] of [["width", "width_m"], ["height", "height_m"]]) {
    element(id).addEventListener("change", (event) => { const value = Number(event.target.value); if (value > 0) state[key] = value; changed(); });
  }
  const place = element("plan");
  place.addEventListener("dragover", (event) => { event.preventDefault(); place.classList.add("over"); });
  place.addEventListener("dragleave", () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => { event.preventDefault(); place.classList.remove("over"); if (event.dataTransfer.files[0]) loadDrawing(event.dataTransfer.files[0]); });
  window.addEventListener("resize", show);
}

async function begin() {
  wire();
  try {
    const { operator, camera, ...rest } = await (await fetch("/api/start")).json();
    for (const [key, value] of Object.entries(rest)) if (key in state) state[key] = value;
    element("operator").value = operator ?? "";
    if (rest.text) notice(rest.text, "bad");
  } catch {
    notice(words.error_offline, "bad");
  }
  show();
  await judge();
}

begin();
