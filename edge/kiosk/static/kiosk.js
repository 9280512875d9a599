/** Leads one person through consent, code and poses - or a withdrawal. The server decides; this shows. */
import { Camera } from "./camera.js";

const settings = JSON.parse(document.getElementById("settings").textContent);
const words = settings.words;
const element = (id) => document.getElementById(id);
const STEPS = ["start", "consent", "camera", "confirm", "end"];
const PERIOD_MS = 260;
const END_MS = 20000;
const SQUARE = "M-5-5H105V105H-5Z";
const FACE = `${SQUARE}M50 10C68 10 78 25 78 46C78 70 66 90 50 90C34 90 22 70 22 46C22 25 32 10 50 10Z`;
const CODE = `${SQUARE}M22 15H78Q85 15 85 22V78Q85 85 78 85H22Q15 85 15 78V22Q15 15 22 15Z`;

const camera = new Camera(element("video"), settings.camera);
let csrf = "";
let errand = "";
let running = 0;
let quietTimer = 0;

class Refused extends Error {}

async function api(method, path, body) {
  const headers = csrf ? { "X-Kiosk-Token": csrf } : {};
  const picture = body instanceof Blob;
  if (body !== undefined && !picture) headers["Content-Type"] = "application/json";
  if (picture) headers["Content-Type"] = "image/jpeg";
  let response;
  try {
    response = await fetch(`/api/${path}`, { method, headers, body: picture || body === undefined ? body : JSON.stringify(body) });
  } catch {
    throw new Refused("offline");
  }
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({ error: "offline" }));
  if (!response.ok) throw new Refused(answer.error);
  return answer;
}

function text(word) {
  return words[`hint_${word}`] ?? words[`error_${word}`] ?? words.error_other;
}

function notice(message) {
  element("notice").textContent = message;
  element("notice").hidden = !message;
}

function show(step) {
  for (const name of STEPS) element(name).hidden = name !== step;
  element("languages").hidden = step !== "start";
  if (step !== "camera") stopCamera();
  window.scrollTo(0, 0);
  element(step).querySelector("h1").focus();
  wait(step);
}

/** A person who walks away leaves nothing on the screen. */
function wait(step) {
  clearTimeout(quietTimer);
  if (step === "end") quietTimer = setTimeout(home, END_MS);
  else if (step !== "start") {
    const patience = step === "consent" ? settings.reading : settings.idle;
    quietTimer = setTimeout(() => leave(words.error_expired), patience * 1000 + 5000);
  }
}

function home() {
  csrf = "";
  element("switches").reset();
  agreeable();
  notice("");
  show("start");
}

async function leave(message = "") {
  try {
    if (csrf) await api("DELETE", "session");
  } catch {
    // The server forgets by itself.
  }
  home();
  notice(message);
}

function finish(good, head, message) {
  csrf = "";
  element("end").classList.toggle("refused", !good);
  element("end-head").textContent = head;
  element("end-text").textContent = message;
  show("end");
}

/** Runs what a button asks for; a refusal is told in words. */
function act(work) {
  return async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    notice("");
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      failed(error.message);
    } finally {
      button.disabled = false;
      agreeable();
    }
  };
}

function failed(word) {
  if (["expired", "policy", "consent_changed", "not_saved", "models", "wrong_step"].includes(word)) leave(text(word));
  else notice(text(word));
}

async function begin(what) {
  errand = what;
  csrf = "";
  const answer = await api("POST", "session", { errand: what, language: settings.language });
  csrf = answer.csrf;
  go(answer);
}

function chosen() {
  return [...element("switches").querySelectorAll("input:checked")].map((input) => input.name);
}

function agreeable() {
  element("agree").disabled = !chosen().includes("identify");
  element("why-not").hidden = chosen().includes("identify");
}

function go(answer) {
  if (answer.step === "consent") show("consent");
  else if (answer.step === "code") watch("code");
  else if (answer.step === "poses") watch("poses", answer);
  else if (answer.step === "confirm") show("confirm");
  else if (answer.step === "refused") finish(false, words.refused_head, words[`refused_${answer.hint}`]);
  else if (errand === "withdraw") finish(true, words.withdrawn_head, words.withdrawn_text);
  else finish(true, words.done_head, words.done_text);
}

function stopCamera() {
  running += 1;
  camera.close();
}

async function watch(step, answer) {
  const poses = step === "poses";
  const fresh = element("camera").hidden;
  element("camera-count").textContent = errand === "withdraw" ? "" : words[poses ? "step_3" : "step_2"];
  element("camera-head").textContent = words[poses ? "poses_head" : "code_head"];
  element("camera-lead").textContent = words[poses ? "poses_lead" : "code_lead"];
  element("mask-path").setAttribute("d", poses ? FACE : CODE);
  element("view").classList.toggle("mirrored", settings.camera === "user");
  element("poses").hidden = !poses;
  say(poses ? "look_straight" : "show_code");
  mark(answer ?? {});
  if (!fresh) {
    element("camera-head").focus();
    return;
  }
  show("camera");
  const run = running;
  try {
    await camera.open();
  } catch (error) {
    if (run === running) say(words[`hint_camera_${error.name}`] ? `camera_${error.name}` : "camera_other");
    return;
  }
  if (run === running) look(run);
  else camera.close();
}

/** One picture after another, each answered before the next is taken. */
async function look(run) {
  while (run === running) {
    const began = performance.now();
    try {
      const picture = await camera.picture();
      if (picture && run === running) {
        const answer = await api("POST", "picture", picture);
        if (run === running) seen(answer);
      }
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.message === "offline" || error.message === "no_answer") say(error.message);
      else if (error.message !== "too_fast" && run === running) failed(error.message);
    }
    await new Promise((done) => setTimeout(done, Math.max(30, PERIOD_MS - (performance.now() - began))));
  }
}

let current = "code";

function seen(answer) {
  if (answer.step !== current) {
    current = answer.step;
    go(answer);
    return;
  }
  if (answer.hint && !["no_face", "dark"].includes(answer.hint)) wait("camera");
  if (answer.hint) say(answer.hint === "good" && answer.pose ? `good_${answer.pose}` : answer.hint, answer.hint);
  else if (answer.step === "code") say("show_code");
  mark(answer);
}

function say(word, plain = word) {
  const message = text(word);
  if (element("hint").textContent !== message) element("hint").textContent = message;
  element("view").classList.toggle("good", plain === "good" || plain === "hold_still");
  element("view").dataset.turn = { turn_left: "left", turn_right: "right" }[word] ?? "";
}

function mark({ pose = "", progress = 0 }) {
  element("progress").value = progress;
  const chips = [...element("poses").querySelectorAll("[data-pose]")];
  const place = chips.findIndex((chip) => chip.dataset.pose === pose);
  chips.forEach((chip, index) => {
    chip.classList.toggle("taken", place > index);
    if (place === index) chip.setAttribute("aria-current", "step");
    else chip.removeAttribute("aria-current");
  });
}

element("enrol").addEventListener("click", act(() => ((current = "code"), begin("enrol"))));
element("withdraw").addEventListener("click", act(() => ((current = "code"), begin("withdraw"))));
element("agree").addEventListener("click", act(async () => go(await api("POST", "consent", { purposes: chosen(), text_sha256: settings.sha256 }))));
element("confirm-yes").addEventListener("click", act(async () => go(await api("POST", "withdrawal"))));
element("finish").addEventListener("click", home);
element("switches").addEventListener("change", agreeable);
element("switches").addEventListener("submit", (event) => event.preventDefault());
for (const button of document.querySelectorAll(".cancel")) button.addEventListener("click", () => leave());
addEventListener("pagehide", () => csrf && fetch("/api/session", { method: "DELETE", headers: { "X-Kiosk-Token": csrf }, keepalive: true }));
for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => csrf && wait(STEPS.find((name) => !element(name).hidden)));
