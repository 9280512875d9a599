/** The manager's look back. Everything shown comes from the analytics routes; nothing is computed from single people. */
import { duration, row } from "./bars.js";
import { Footfall } from "./footfall.js";
import { dateOf, dayStart } from "./periods.js";
import { Plan } from "./plan.js";
import { Profile } from "./profile.js";
import { fill, language, readJson } from "./texts.js";
import { showTrust } from "./trust.js";

const DAY = 86400e3;
const { store, others, texts } = readJson("analytics-data");
const element = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const count = (value) => (value === null ? texts.few : whole.format(value));
const names = new Map(store.zones.map((zone) => [zone.id, zone.name]));
const nameOf = (zone) => names.get(zone) ?? zone;
const plan = new Plan(element("plan"), store);
const footfall = new Footfall(element("footfall"), { timezone: store.timezone, language, texts });
const profile = new Profile(element("profile"), { texts });

let kind = "week";
let dates = null;
let turn = 0;
let zones = [];

/** "2026-05-04" some days later; dates are counted at noon, away from changes of clocks. */
function shift(date, days) {
  return new Date(Date.parse(`${date}T12:00:00Z`) + days * DAY).toISOString().slice(0, 10);
}

/** First and last date of the chosen period, both included. */
function chosen() {
  if (kind === "range" && dates) return dates;
  const today = dateOf(Date.now(), store.timezone);
  const back = { yesterday: 1, week: 7, month: 28 }[kind] ?? 7;
  return { from: shift(today, -back), to: shift(today, -1) };
}

function span({ from, to }) {
  return { from: new Date(dayStart(from, store.timezone)).toISOString(), to: new Date(dayStart(shift(to, 1), store.timezone)).toISOString() };
}

function before({ from, to }) {
  const days = Math.round((Date.parse(to) - Date.parse(from)) / DAY) + 1;
  return { from: shift(from, -days), to: shift(from, -1) };
}

async function ask(name, values, more = []) {
  const query = new URLSearchParams({ store: store.id, ...values });
  for (const [key, value] of more) query.append(key, value);
  const response = await fetch(`/api/v1/analytics/${name}?${query}`, { cache: "no-store", headers: { Accept: "application/json" } });
  if (response.status === 401) location.assign("/login?next=/analytics");
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.json();
}

function compared(values) {
  const against = element("against").value;
  if (against === "before") {
    const { from, to } = span(before(chosen()));
    return ask("compare", values, [["and_from", from], ["and_to", to]]);
  }
  return ask("compare", values, against ? [["store", against.slice(6)]] : []);
}

function againstName() {
  const against = element("against").value;
  if (against === "before") return texts.period;
  return others.find((one) => `store:${one.id}` === against)?.name ?? "";
}

async function load() {
  const mine = ++turn;
  const period = chosen();
  const values = span(period);
  const days = Math.round((Date.parse(period.to) - Date.parse(period.from)) / DAY) + 1;
  element("figures").setAttribute("aria-busy", "true");
  element("failed").hidden = true;
  files(values);
  try {
    const [door, stays, steps, waiting, sides] = await Promise.all([
      ask("footfall", { ...values, by: days > 3 ? "day" : "hour" }), ask("dwell", values), ask("funnel", values), ask("queues", values), compared(values),
      heat(values),
    ]);
    if (mine !== turn) return;
    showTrust(element("trust"), door, texts);
    tiles(door, sides.sides);
    drawFootfall(door);
    drawProfile(sides.sides);
    zones = stays.zones;
    drawZones();
    drawFunnel(steps.zones);
    drawQueues(waiting.zones);
  } catch {
    if (mine === turn) element("failed").hidden = false;
  } finally {
    if (mine === turn) element("figures").setAttribute("aria-busy", "false");
  }
}

function tiles(door, [side, other]) {
  element("entered").textContent = count(door.entered);
  element("left").textContent = count(door.left);
  element("per-day").textContent = count(side.entered_per_day);
  element("groups").textContent = count(door.groups);
  element("group-size").textContent = door.group_size ? fill(texts.people, { n: door.group_size.toLocaleString(language) }) : "";
  element("entered-delta").textContent = other && other.entered_per_day ? delta(side.entered_per_day, other.entered_per_day) : "";
}

function delta(now, then) {
  const change = Math.round((now / then - 1) * 100);
  const said = { n: `${change > 0 ? "+" : "−"}${Math.abs(change)}`, name: againstName() };
  return change ? fill(texts.than, said) : fill(texts.same, said);
}

function drawFootfall(door) {
  const any = door.buckets.length > 0;
  element("footfall").hidden = !any;
  element("no-footfall").hidden = any;
  footfall.clear();
  if (any) footfall.draw(door.buckets);
}

function drawProfile(sides) {
  const any = sides[0].hours.length > 0;
  element("profile").hidden = !any;
  element("no-profile").hidden = any;
  element("busiest").textContent = "";
  if (!any) return;
  const top = sides[0].hours.reduce((best, one) => (one.entered > best.entered ? one : best));
  element("busiest").textContent = fill(texts.busiest, { hour: `${String(top.hour).padStart(2, "0")}:00` });
  profile.draw(sides.map((side, index) => ({ ...side, name: index ? againstName() : texts.entered })));
}

function drawZones() {
  const select = element("zone");
  const last = select.value;
  select.replaceChildren(...zones.map(({ zone }) => new Option(nameOf(zone), zone)));
  if (zones.some(({ zone }) => zone === last)) select.value = last;
  select.parentElement.hidden = zones.length === 0;
  element("no-dwell").hidden = zones.length > 0;
  drawDistribution();
}

function drawDistribution() {
  const found = zones.find(({ zone }) => zone === element("zone").value);
  const shares = found?.distribution ?? [];
  const top = Math.max(1, ...shares.map((one) => one.stays));
  element("typical").textContent = found ? `${fill(texts.people, { n: count(found.stays) })} · ${duration(found.p50_s, texts)} – ${duration(found.p90_s, texts)}` : "";
  element("distribution").replaceChildren(...shares.map((one) => {
    const from = duration(one.from_s, texts);
    const text = one.to_s === null ? fill(texts.longer, { n: from }) : fill(texts.range, { from, to: duration(one.to_s, texts) });
    return row(text, [count(one.stays)], one.stays / top);
  }));
}

const labels = (id) => [...element(id).querySelectorAll("thead th")].slice(1).map((one) => one.textContent);

function drawFunnel(rows) {
  element("no-funnel").hidden = rows.length > 0;
  element("funnel-table").hidden = rows.length === 0;
  const top = Math.max(1, ...rows.map((one) => one.passed ?? 0));
  const of = (part, all) => (part && all ? `${Math.round((100 * part) / all)} %` : null);
  element("funnel").replaceChildren(...rows.map((one) => row(nameOf(one.zone), [
    count(one.passed), [count(one.stopped), of(one.stopped, one.passed)], [count(one.scanned), of(one.scanned, one.passed)], [count(one.bought), of(one.bought, one.passed)], count(one.ordered),
  ], (one.passed ?? 0) / top, labels("funnel-table"))));
}

function drawQueues(rows) {
  element("no-queues").hidden = rows.length > 0;
  element("queue-table").hidden = rows.length === 0;
  element("queues").replaceChildren(...rows.map((one) => row(nameOf(one.zone), [
    count(one.served), duration(one.wait_p50_s, texts), duration(one.wait_p90_s, texts), one.length_mean.toLocaleString(language, { maximumFractionDigits: 1 }),
  ], null, labels("queue-table"))));
}

async function heat(values = span(chosen())) {
  const hour = Number(element("hour").value);
  const two = (number) => `${String(number % 24).padStart(2, "0")}:00`;
  element("hour-text").textContent = hour < 0 ? texts.allHours : fill(texts.oneHour, { from: two(hour), to: two(hour + 1) });
  const answer = await ask("heatmap", hour < 0 ? values : { ...values, hour });
  if (Number(element("hour").value) !== hour) return;
  plan.heat.setHeat(answer);
  element("heat-note").textContent = answer.cells.length ? texts.heat : texts.noHeat;
}

function files(values) {
  for (const place of document.querySelectorAll(".files")) {
    place.replaceChildren(...["csv", "parquet"].map((format) => {
      const link = document.createElement("a");
      link.className = "file";
      link.href = `/api/v1/analytics/export?${new URLSearchParams({ store: store.id, ...values, what: place.dataset.what, format })}`;
      link.textContent = format === "csv" ? "CSV" : "Parquet";
      link.setAttribute("aria-label", `${link.textContent}: ${place.parentElement.querySelector("h2").textContent}`);
      link.download = "";
      return link;
    }));
  }
}

function choose(next) {
  kind = next;
  for (const button of document.querySelectorAll("[data-period]")) button.setAttribute("aria-pressed", String(button.dataset.period === next));
  element("range").hidden = next !== "range";
  if (next !== "range" || dates) load();
}

for (const button of document.querySelectorAll("[data-period]")) button.addEventListener("click", () => choose(button.dataset.period));
element("range").addEventListener("submit", (event) => {
  event.preventDefault();
  const [from, to] = [element("from").value, element("to").value].sort();
  dates = { from, to };
  load();
});
element("against").addEventListener("change", load);
element("again").addEventListener("click", load);
element("zone").addEventListener("change", drawDistribution);
element("hour").addEventListener("input", () => heat().catch(() => { element("failed").hidden = false; }));
const today = dateOf(Date.now(), store.timezone);
for (const id of ["from", "to"]) {
  element(id).value = shift(today, -1);
  element(id).max = today;
}
load();
