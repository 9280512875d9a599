/** The manager's floor: plan with live or past heat, counts, time by zone, footfall. */
import { duration, row } from "./bars.js";
import { Footfall } from "./footfall.js";
import { dateOf, period } from "./periods.js";
import { Plan } from "./plan.js";
import { fill, language, readJson } from "./texts.js";
import { showTrust } from "./trust.js";

const LIVE_MS = 2000;
const PANELS_MS = 15000;
const { store, texts } = readJson("floor-data");
const element = (id) => document.getElementById(id);
const plan = new Plan(element("plan"), store);
const footfall = new Footfall(element("footfall"), { timezone: store.timezone, language, texts });

let kind = "live";
let range = null;
let asked = 0;
let seen = new Date();

async function ask(name, values = {}) {
  const response = await fetch(`/api/v1/analytics/${name}?${new URLSearchParams({ store: store.id, ...values })}`, { cache: "no-store", headers: { Accept: "application/json" } });
  if (response.status === 401) location.assign("/login?next=/floor");
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.json();
}

function lost(yes) {
  const banner = element("lost");
  const text = banner.querySelector("span");
  text.dataset.form ??= text.textContent;
  text.textContent = fill(text.dataset.form, { time: seen.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" }) });
  banner.hidden = !yes;
  if (!yes) seen = new Date();
}

function heat(answer, note, none) {
  plan.heat.setHeat(answer);
  element("heat-note").textContent = answer.cells.length ? note : none;
}

async function live() {
  const now = await ask("live");
  plan.count(now.zones);
  element("people").textContent = now.people;
  element("visits").textContent = now.visits_open;
  element("entered").textContent = now.entered_today;
  element("left").textContent = now.left_today;
  if (kind === "live") heat(now.heat, texts.liveHeat, texts.noHeat);
  const names = new Map(store.zones.map((zone) => [zone.id, zone.name]));
  element("queue-note").textContent = now.queues.map((queue) => `${names.get(queue.zone) ?? queue.zone}: ${fill(texts.queue, { n: queue.length })}`).join(" · ");
}

async function panels() {
  const turn = ++asked;
  const span = period(kind, store.timezone, range, Date.now());
  const values = { from: new Date(span.from).toISOString(), to: new Date(span.to).toISOString() };
  const [dwell, door, cells] = await Promise.all([
    ask("dwell", values), ask("footfall", { ...values, by: span.by }), kind === "live" ? null : ask("heatmap", values),
  ]);
  if (turn !== asked) return; // another period was chosen meanwhile
  drawDwell(dwell.zones);
  const any = door.buckets.some((one) => one.entered || one.left);
  element("footfall").hidden = !any;
  element("no-footfall").hidden = any;
  if (any) footfall.draw(door.buckets);
  if (cells) heat(cells, texts.pastHeat, texts.pastNoHeat);
  showTrust(element("trust"), door, texts);
}

function drawDwell(rows) {
  const names = new Map(store.zones.map((zone) => [zone.id, zone.name]));
  const stayed = rows.filter((row) => row.stays > 0).sort((a, b) => b.total_s - a.total_s);
  const top = Math.max(1, ...stayed.map((row) => row.total_s));
  element("no-dwell").hidden = stayed.length > 0;
  element("dwell").parentElement.hidden = stayed.length === 0;
  element("dwell").replaceChildren(...stayed.map((one) => row(names.get(one.zone) ?? one.zone, [one.stays, duration(one.p50_s, texts), duration(one.p90_s, texts)], one.total_s / top)));
}

/** Run again and again, never twice at once; a failure shows the banner, the next success takes it away. */
async function repeat(action, milliseconds) {
  try {
    if (!document.hidden) {
      await action();
      lost(false);
    }
  } catch {
    lost(true);
  }
  setTimeout(() => repeat(action, milliseconds), milliseconds);
}

function choose(next) {
  kind = next;
  for (const button of document.querySelectorAll("[data-period]")) button.setAttribute("aria-pressed", String(button.dataset.period === next));
  element("range").hidden = next !== "range";
  if (next === "range" && !range) return;
  footfall.clear();
  panels().catch(() => lost(true));
  live().catch(() => lost(true));
}

for (const button of document.querySelectorAll("[data-period]")) button.addEventListener("click", () => choose(button.dataset.period));

const today = dateOf(Date.now(), store.timezone);
for (const id of ["from", "to"]) {
  element(id).value = today;
  element(id).max = today;
}

element("range").addEventListener("submit", (event) => {
  event.preventDefault();
  const [from, to] = [element("from").value, element("to").value].sort();
  range = { from, to };
  choose("range");
});

repeat(live, LIVE_MS);
repeat(() => (kind === "range" && !range ? Promise.resolve() : panels()), PANELS_MS);
