/** The customer's own page: connect this phone, show the rotating code, call somebody, set the consents. */
import { fromBase64, makeKey, publicKey, toBase64, token } from "./checkin.js";
import * as keystore from "./keystore.js";
import { api, HttpError, session } from "./me_api.js";
import * as nfc from "./nfc.js";
import { draw } from "./qr.js";
import { fill, language, readJson } from "./texts.js";

const ROTATE_S = 20;
const RENEW_BEFORE_S = 86400;
const ASK_CALL_MS = 5000;
const TOUCH_MS = 20000;
const say = readJson("me-texts");
const element = (id) => document.getElementById(id);

function notice(text) {
  element("notice").hidden = !text;
  element("notice").textContent = text ?? "";
}

function show(signedIn) {
  element("sign-in").hidden = signedIn;
  element("signed-in").hidden = !signedIn;
}

/** The stored key when it is this customer's and its certificate has a day to go, else a new certificate. */
async function phone(customer) {
  const kept = await keystore.load();
  const mine = kept && kept.customer === customer;
  if (mine && kept.notAfter - RENEW_BEFORE_S > Date.now() / 1000) return kept;
  const pair = mine ? kept.pair : await makeKey();
  const answer = await api("POST", "/me/phone-key", { public_key: toBase64(await publicKey(pair)) });
  const entry = { pair, certificate: fromBase64(answer.certificate), notAfter: seconds(answer.not_after), customer };
  await keystore.save(entry);
  return entry;
}

function seconds(value) {
  return typeof value === "number" ? value : Date.parse(value) / 1000;
}

let shown = 0;
let rotating = null;
let current = null;
let owner = "";

function rotate(entry) {
  clearInterval(rotating);
  current = entry;
  shown = 0;
  pass(true);
  element("nfc").hidden = !nfc.offered();
  const step = async () => {
    const left = ROTATE_S - (performance.now() - shown) / 1000;
    element("timer").value = Math.max(0, left);
    if (shown && left > 0) return;
    shown = performance.now();
    draw(element("qr"), await fresh());
  };
  rotating = setInterval(step, 250);
  return step();
}

const fresh = () => token(current.certificate, current.pair.privateKey, Date.now() + session.skew);

function pass(there) {
  element("pass").hidden = !there;
  element("no-pass").hidden = there;
}

/** Whoever takes recognition back keeps no code: neither on the screen nor in the phone. */
async function withoutPass() {
  clearInterval(rotating);
  element("qr").replaceChildren();
  pass(false);
  await keystore.forget();
}

// A tab that slept shows an old code: make a new one before anybody holds it to the scanner.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) shown = 0;
});

async function loadConsents() {
  const state = await api("GET", "/me/consents");
  for (const input of element("consents").querySelectorAll("input")) {
    input.checked = Boolean(state.purposes[input.name]);
    input.disabled = false;
  }
  const text = state.current_text;
  element("full-text").textContent = text.text[language] ?? text.text.en ?? "";
  element("consents").onchange = (event) => saveConsents(text, event.target);
  return state.purposes;
}

async function saveConsents(text, changed) {
  const inputs = [...element("consents").querySelectorAll("input")];
  const purposes = Object.fromEntries(inputs.map((input) => [input.name, input.checked]));
  const saved = element("saved");
  try {
    await api("PUT", "/me/consents", { purposes, text_version: text.version, text_sha256: text.sha256 });
    saved.className = "chip good";
    saved.textContent = say.saved;
    if (changed.name === "identify") await (changed.checked ? phone(owner).then(rotate) : withoutPass());
  } catch (error) {
    if (error.status === 401) return signedOut(say.expired);
    changed.checked = !changed.checked;
    saved.className = "chip bad";
    saved.textContent = say.notSaved;
  }
  saved.hidden = false;
  return undefined;
}

function signedOut(text) {
  clearInterval(rotating);
  session.csrf = "";
  show(false);
  notice(text);
}

async function start() {
  if (!window.isSecureContext || !crypto.subtle || !window.indexedDB) return notice(say.noKey);
  if (location.hash.length > 1) {
    const code = decodeURIComponent(location.hash.slice(1));
    history.replaceState(null, "", location.pathname + location.search);
    return signIn(code);
  }
  try {
    return await enter(await api("GET", "/me"));
  } catch (error) {
    if (error instanceof HttpError) {
      if (error.status !== 401) notice(say.failed);
      return show(false);
    }
    return offline();
  }
}

/** Without a connection the key on the phone still makes codes until its certificate ends. */
async function offline() {
  const kept = await keystore.load();
  if (!kept || kept.notAfter < Date.now() / 1000) {
    notice(say.noConnection);
    return show(false);
  }
  notice(say.offline);
  element("hello").textContent = say.plain;
  element("call-panel").hidden = true;
  element("sign-out").hidden = true;
  show(true);
  return rotate(kept);
}

// The connection is back: everything of the page again, and whatever changed meanwhile.
window.addEventListener("online", () => {
  if (element("call-panel").hidden || element("signed-in").hidden) location.reload();
});

async function enter(me) {
  session.csrf = me.csrf;
  owner = me.customer.id;
  element("hello").textContent = fill(say.hello, { name: me.customer.name });
  notice(session.skew ? say.clock : null);
  show(true);
  const purposes = await loadConsents();
  await Promise.all([purposes.identify ? phone(owner).then(rotate) : withoutPass(), loadZones(), drawCall()]);
}

async function signIn(code) {
  try {
    await api("POST", "/me/login", { code: code.trim() });
    await enter(await api("GET", "/me"));
  } catch (error) {
    show(false);
    if (!(error instanceof HttpError)) notice(say.noConnection);
    else notice(error.status === 429 ? say.limited : error.status >= 500 ? say.failed : say.wrongCode);
  }
}

async function loadZones() {
  const zones = await api("GET", "/me/zones");
  const choice = element("zone");
  choice.length = 1;
  for (const zone of zones) choice.add(new Option(zone.name[language] || Object.values(zone.name)[0] || zone.id, zone.id));
}

let asking = null;

async function drawCall(known) {
  clearTimeout(asking);
  const call = known ?? (await api("GET", "/me/call"));
  const called = call.state !== "none";
  element("call-form").hidden = called;
  element("call-off").hidden = !called;
  element("call-state").hidden = !called;
  element("call-state").className = "banner good";
  element("call-state").textContent = say[call.state] ?? "";
  if (called) asking = setTimeout(() => drawCall().catch(() => undefined), ASK_CALL_MS);
}

function callFailed(error) {
  if (error.status === 401) return signedOut(say.expired);
  const state = element("call-state");
  state.className = "banner bad";
  state.textContent = !(error instanceof HttpError) ? say.noConnection : error.status === 409 ? say.notHere : say.failed;
  state.hidden = false;
  return undefined;
}

element("call-form").addEventListener("submit", (event) => {
  event.preventDefault();
  api("POST", "/me/call", { zone: element("zone").value || null }).then(drawCall).catch(callFailed);
});

element("call-off").addEventListener("click", () => {
  api("DELETE", "/me/call").then(drawCall).catch(callFailed);
});

element("nfc").addEventListener("click", async () => {
  const state = element("nfc-state");
  state.hidden = false;
  state.textContent = say.touch;
  try {
    await nfc.touch(fresh, TOUCH_MS);
    state.textContent = say.touched;
  } catch {
    state.textContent = say.untouched;
  }
});

element("code-form").addEventListener("submit", (event) => {
  event.preventDefault();
  signIn(element("code").value);
});

element("send-form")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const state = element("sent");
  try {
    await api("POST", "/me/login-code", { to: element("to").value.trim() });
    state.textContent = say.sent;
    element("code").focus();
  } catch (error) {
    if (!(error instanceof HttpError)) state.textContent = say.noConnection;
    else state.textContent = error.status === 429 ? say.limited : error.status === 422 ? say.noPlace : say.failed;
  }
  state.hidden = false;
});

element("sign-out").addEventListener("click", async () => {
  try {
    await api("POST", "/me/logout");
  } catch (error) {
    if (!(error instanceof HttpError)) return notice(say.noConnection);
  }
  await keystore.forget();
  element("qr").replaceChildren();
  return signedOut(null);
});

// The code must be there before there is a connection: the worker keeps this page.
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/me/worker.js", { scope: "/me" }).catch(() => undefined);

// A link with a new code that is opened where this page is open already only changes the hash.
addEventListener("hashchange", start);
start();
