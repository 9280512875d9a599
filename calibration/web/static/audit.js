/** The audit page: footage frame by frame, each with its own time; a key press belongs to the frame on the screen. */
import { ask, element, make, notice, Refused, say, told, words } from "./wire.js";

const GAP_S = 0.6;
const marks = [];
const watched = [];
const open = [];
let begin = null;
let now = 0;
let playing = false;
let run = 0;
let stayNumber = 0;

const clock = (at) => `${Math.floor(at / 60)}:${(at % 60).toFixed(1).padStart(4, "0")}`;

/* Footage ----------------------------------------------------------------------------------------------------------- */

async function show(at) {
  const response = await ask("frame", { at: Math.max(0, at) });
  const blob = await response.blob();
  const film = element("film");
  const url = URL.createObjectURL(blob);
  const old = film.src;
  film.src = url;
  await film.decode().catch(() => undefined);
  if (old) URL.revokeObjectURL(old);
  return Number(response.headers.get("X-Seconds"));
}

/** What was on the screen without a gap counts as watched. */
function seen(at, following) {
  const last = watched.at(-1);
  if (following && last && at >= last[1] && at - now < GAP_S * Math.max(1, speed())) last[1] = at;
  else if (!watched.some(([a, b]) => at >= a && at <= b)) watched.push([at, at]);
  now = at;
  element("clock").textContent = clock(at);
  if (document.activeElement !== element("seek")) element("seek").value = at;
  element("watched").textContent = say("watched", { seconds: Math.round(merged().reduce((sum, [a, b]) => sum + b - a, 0)) });
}

function merged() {
  const parts = watched.filter(([a, b]) => b > a).map((part) => [...part]).sort((a, b) => a[0] - b[0]);
  const whole = [];
  for (const [a, b] of parts) {
    const last = whole.at(-1);
    if (last && a <= last[1] + 0.001) last[1] = Math.max(last[1], b);
    else whole.push([a, b]);
  }
  return whole;
}

const speed = () => Number(element("speed").value);

async function play() {
  playing = true;
  const mine = ++run;
  element("play").textContent = words.pause;
  element("play").setAttribute("aria-pressed", "true");
  let [from, since] = [now, performance.now()];
  let pace = speed();
  watched.push([now, now]);
  try {
    while (playing && mine === run) {
      if (pace !== speed()) [from, since, pace] = [now, performance.now(), speed()];
      const wanted = from + ((performance.now() - since) / 1000) * pace;
      const reached = await show(begin.live ? wanted : Math.min(wanted, now + 0.5));
      if (mine !== run) return;
      if (wanted - reached > 1) [from, since] = [reached, performance.now()];
      seen(reached, true);
      await new Promise((go) => { setTimeout(go, 15); });
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.word !== "over") notice(told(error), "bad");
    else notice(words.error_over);
  }
  if (mine === run) pause();
}

function pause() {
  playing = false;
  run += 1;
  element("play").textContent = words.play;
  element("play").setAttribute("aria-pressed", "false");
}

async function go(at) {
  pause();
  const mine = run;
  try {
    const reached = await show(at);
    if (mine === run) seen(reached, false);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(told(error), "bad");
  }
}

/* Counting ---------------------------------------------------------------------------------------------------------- */

function cross(direction) {
  marks.push({ kind: direction, at: now });
  list();
}

function stayBegins() {
  stayNumber += 1;
  open.push({ number: stayNumber, at: now });
  list();
}

function stayEnds(stay) {
  const index = open.indexOf(stay);
  if (index < 0 || now <= stay.at) return;
  open.splice(index, 1);
  marks.push({ kind: "stay", at: stay.at, end: now, number: stay.number });
  list();
}

function undo() {
  const last = marks.at(-1);
  const stay = open.at(-1);
  if (stay && (!last || stay.at >= (last.end ?? last.at))) open.pop();
  else if (last) {
    marks.pop();
    if (last.kind === "stay") open.push({ number: last.number, at: last.at });
  }
  list();
}

function list() {
  const count = (kind) => marks.filter((one) => one.kind === kind).length;
  element("sums").textContent = say("sums", { in: count("in"), out: count("out"), stays: count("stay") });
  element("open").replaceChildren(...open.map((stay, index) => make("button", {
    type: "button", class: "button small", "aria-pressed": "true", onclick: () => stayEnds(stay),
  }, `${say("stay_ends", { number: stay.number })} `, make("kbd", {}, String(index + 1)))));
  const rows = marks.map((one, index) => make("tr", {},
    make("td", { class: "number" }, make("button", { type: "button", class: "button small", onclick: () => go(one.at - 2) }, clock(one.at))),
    make("td", {}, one.kind === "stay" ? say("stay_row", { number: one.number, seconds: (one.end - one.at).toFixed(1) }) : words[`row_${one.kind}`]),
    make("td", {}, make("button", { type: "button", class: "button small remove", "aria-label": `${words.remove}: ${clock(one.at)}`, onclick: () => { marks.splice(index, 1); list(); } }, "✕"))));
  element("list").replaceChildren(...rows.reverse());
}

function keyed(event) {
  if (event.target.matches("input:not([type=range]), select") || event.ctrlKey || event.metaKey || event.altKey) return;
  const action = {
    KeyI: () => cross("in"), KeyO: () => cross("out"), KeyS: stayBegins, KeyZ: undo, Backspace: undo,
    KeyK: () => (playing ? pause() : play()),
    ArrowLeft: () => go(now - 1), ArrowRight: () => go(now + 0.2),
  }[event.code];
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
  if (digit && open[digit[1] - 1]) stayEnds(open[digit[1] - 1]);
  else if (action && !(event.target.type === "range" && event.code.startsWith("Arrow"))) action();
  else return;
  event.preventDefault();
}

/* Result ------------------------------------------------------------------------------------------------------------ */

const counted = () => ({
  operator: element("operator").value.trim(), line: element("line").value, zone: element("zone").value, watched: merged(),
  crossings: marks.filter((one) => one.kind !== "stay").map((one) => [one.at, one.kind]),
  stays: marks.filter((one) => one.kind === "stay").map((one) => [one.at, one.end]),
});

const percent = (share) => `${share > 0 ? "+" : ""}${(share * 100).toFixed(1)} %`;

async function compare() {
  element("saved").hidden = true;
  try {
    const answer = await (await ask("compare", counted())).json();
    notice("");
    const parts = [];
    if (answer.count) {
      const { share, low, high, counted: people, missed, extra } = answer.count;
      parts.push(make("p", {}, say("count_result", { share: percent(share), low: percent(low), high: percent(high), people, missed, extra, class: words[`class_${answer.classes.count}`] })));
    } else parts.push(make("p", { class: "remark" }, words.count_none));
    if (answer.dwell) {
      const { mean_abs_s: mean, high_s: high, bias_s: bias, timed, missed, extra } = answer.dwell;
      parts.push(make("p", {}, say("dwell_result", { mean: mean.toFixed(2), high: high.toFixed(2), bias: bias.toFixed(2), timed, missed, extra, class: words[`class_${answer.classes.dwell}`] })));
    } else parts.push(make("p", { class: "remark" }, words.dwell_none));
    for (const kind of ["missed", "extra", "missed_stays", "extra_stays"]) {
      if (answer[kind].length) parts.push(make("p", {}, `${words[kind]} `, ...answer[kind].map((at) => make("button", { type: "button", class: "button small", onclick: () => go(at - 2) }, clock(at)))));
    }
    element("result").replaceChildren(...parts);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(told(error), "bad");
  }
}

async function save() {
  await compare();
  try {
    const answer = await (await ask("save", counted())).json();
    element("saved").textContent = say("saved", { file: answer.file });
    element("saved").hidden = false;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    notice(told(error), "bad");
    if (error.word === "no_operator") element("operator").focus();
  }
}

async function start() {
  const actions = {
    play: () => (playing ? pause() : play()), back: () => go(now - 5), in: () => cross("in"), out: () => cross("out"),
    begin: stayBegins, undo, compare, save,
  };
  for (const [id, action] of Object.entries(actions)) element(id).addEventListener("click", action);
  element("seek").addEventListener("change", (event) => go(Number(event.target.value)));
  document.addEventListener("keydown", keyed);
  const response = await fetch("/api/start");
  begin = await response.json();
  if (!response.ok) return notice(`${words.error_other} ${begin.text}`, "bad");
  element("operator").value = begin.operator ?? "";
  element("seek").max = begin.duration;
  for (const id of ["seek", "back", "speed"]) element(id).disabled = begin.live;
  const choices = (names) => [...names, ""].map((name) => make("option", { value: name }, name || words.none));
  element("line").replaceChildren(...choices(begin.lines));
  element("zone").replaceChildren(...choices(begin.zones));
  if (begin.unreadable) notice(say("unreadable", { count: begin.unreadable }));
  list();
  return go(0);
}

start();
