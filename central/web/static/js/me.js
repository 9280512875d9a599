/** The customer's own page: connect this phone, show the rotating code, set the consents. */
import { fromBase64, makeKey, publicKey, toBase64, token } from "./checkin.js";
import * as keystore from "./keystore.js";
import { fill, readJson } from "./texts.js";

const ROTATE_S = 20;
const RENEW_BEFORE_S = 86400;
const say = readJson("me-texts");
const element = (id) => document.getElementById(id);

let csrf = "";
let skew = 0;

class HttpError extends Error {
  constructor(status) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

async function api(method, path, body) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (csrf) headers["X-CSRF-Token"] = csrf;
  const response = await fetch(`/api/v1/me${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" });
  measureClock(response);
  if (!response.ok) throw new HttpError(response.status);
  return response.status === 204 ? null : response.json();
}

/** A phone whose clock is wrong would show codes that are refused: follow the server's, to the second. */
function measureClock(response) {
  const server = Date.parse(response.headers.get("Date") ?? "");
  const off = server + 500 - Date.now();
  skew = Number.isFinite(off) && Math.abs(off) > 2000 ? off : 0;
}

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
  const answer = await api("POST", "/phone-key", { public_key: toBase64(await publicKey(pair)) });
  const entry = { pair, certificate: fromBase64(answer.certificate), notAfter: seconds(answer.not_after), customer };
  await keystore.save(entry);
  return entry;
}

function seconds(value) {
  return typeof value === "number" ? value : Date.parse(value) / 1000;
}

function draw(text) {
  const code = window.qrcode(0, "L");
  code.addData(text, "Byte");
  code.make();
  const size = code.getModuleCount();
  let path = "";
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      if (code.isDark(row, column)) path += `M${column} ${row}h1v1h-1z`;
    }
  }
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", `-2 -2 ${size + 4} ${size + 4}`);
  svg.setAttribute("shape-rendering", "crispEdges");
  svg.setAttribute("aria-hidden", "true");
  const dark = document.createElementNS(space, "path");
  dark.setAttribute("d", path);
  dark.setAttribute("fill", "#000");
  svg.append(dark);
  element("qr").replaceChildren(svg);
}

let shown = 0;
let rotating = null;

function rotate(entry) {
  clearInterval(rotating);
  shown = 0;
  const step = async () => {
    const left = ROTATE_S - (performance.now() - shown) / 1000;
    element("timer").value = Math.max(0, left);
    if (shown && left > 0) return;
    shown = performance.now();
    draw(await token(entry.certificate, entry.pair.privateKey, Date.now() + skew));
  };
  rotating = setInterval(step, 250);
  return step();
}

// A tab that slept shows an old code: make a new one before anybody holds it to the scanner.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) shown = 0;
});

async function loadConsents() {
  const state = await api("GET", "/consents");
  for (const input of element("consents").querySelectorAll("input")) {
    input.checked = Boolean(state.purposes[input.name]);
    input.disabled = false;
  }
  const text = state.current_text;
  element("full-text").textContent = text.text[document.documentElement.lang] ?? text.text.en ?? "";
  element("consents").onchange = (event) => saveConsents(text, event.target);
}

async function saveConsents(text, changed) {
  const inputs = [...element("consents").querySelectorAll("input")];
  const purposes = Object.fromEntries(inputs.map((input) => [input.name, input.checked]));
  const saved = element("saved");
  try {
    await api("PUT", "/consents", { purposes, text_version: text.version, text_sha256: text.sha256 });
    saved.className = "chip good";
    saved.textContent = say.saved;
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
  csrf = "";
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
    return await enter(await api("GET", ""));
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
  show(true);
  return rotate(kept);
}

async function enter(me) {
  csrf = me.csrf;
  element("hello").textContent = fill(say.hello, { name: me.customer.name });
  notice(skew ? say.clock : null);
  show(true);
  await Promise.all([phone(me.customer.id).then(rotate), loadConsents()]);
}

async function signIn(code) {
  try {
    await api("POST", "/login", { code: code.trim() });
    await enter(await api("GET", ""));
  } catch (error) {
    show(false);
    if (!(error instanceof HttpError)) notice(say.noConnection);
    else notice(error.status === 429 ? say.limited : error.status >= 500 ? say.failed : say.wrongCode);
  }
}

element("code-form").addEventListener("submit", (event) => {
  event.preventDefault();
  signIn(element("code").value);
});

element("sign-out").addEventListener("click", async () => {
  try {
    await api("POST", "/logout");
  } catch (error) {
    if (!(error instanceof HttpError)) return notice(say.noConnection);
  }
  await keystore.forget();
  element("qr").replaceChildren();
  return signedOut(null);
});

start();
