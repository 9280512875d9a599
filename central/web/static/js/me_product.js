/** A product on the customer's phone: their own price with its countdown and code, calling somebody, an opinion. */
import { api, HttpError } from "./me_api.js";
import { draw } from "./qr.js";
import { fill, language, readJson } from "./texts.js";

const say = readJson("me-texts");
const words = readJson("rate-words");
const element = (id) => document.getElementById(id);
const { sku, store, currency } = element("product").dataset;
const scanned = new URLSearchParams(location.search).has("gtin");

function money(minor) {
  const digits = new Intl.NumberFormat(language, { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
  const amount = minor / 10 ** digits;
  const shown = Number.isInteger(amount) ? 0 : digits;
  return new Intl.NumberFormat(language, { style: "currency", currency, minimumFractionDigits: shown, maximumFractionDigits: shown }).format(amount);
}

function failure(error) {
  if (!(error instanceof HttpError)) return say.noConnection;
  return error.status === 401 ? say.expired : say.failed;
}

let ticking = null;

function without(text) {
  clearInterval(ticking);
  element("own-state").textContent = text;
  element("own-state").hidden = false;
  element("own-price").hidden = true;
  element("own-again").hidden = false;
}

function countdown(seconds) {
  clearInterval(ticking);
  const end = performance.now() + seconds * 1000;
  const step = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    if (left <= 0) return without(say.over);
    element("own-left").textContent = fill(say.left, { time: `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` });
    return undefined;
  };
  step();
  ticking = setInterval(step, 500);
}

async function price(first) {
  try {
    const found = await api("POST", `/me/price?lang=${language}`, { sku, scanned: first && scanned });
    if (!found.personal) return without(say[found.why] ?? "");
    element("own-amount").textContent = money(found.price);
    element("own-said").textContent = found.disclosure;
    draw(element("own-code"), found.code);
    element("own-state").hidden = true;
    element("own-again").hidden = true;
    element("own-price").hidden = false;
    return countdown(found.valid_s);
  } catch (error) {
    return without(failure(error));
  }
}

function done(text, good) {
  const box = element("done");
  box.className = good ? "banner good" : "banner bad";
  box.textContent = text;
  box.hidden = false;
}

async function call() {
  try {
    const answer = await api("POST", "/me/call", { sku });
    done(say[answer.state], true);
  } catch (error) {
    done(error.status === 409 ? say.notHere : failure(error), false);
  }
}

async function keep() {
  try {
    await api("PUT", "/me/basket", { sku, quantity: 1 });
    done(say.kept, true);
  } catch (error) {
    done(failure(error), false);
  }
}

/** Two taps are an opinion: the thumb is sent at once, the rest with Save. */
async function rate(body) {
  const box = element("rated");
  try {
    await api("POST", "/preferences/opinions", { store, sku, ...body });
    box.textContent = say.saved;
  } catch (error) {
    box.textContent = error.status === 409 ? say.profile : failure(error);
  }
  box.hidden = false;
}

function rating() {
  const form = element("rate");
  const touched = new Set();
  for (const input of form.querySelectorAll("input[type=range]")) {
    const word = () => { input.previousElementSibling.textContent = words[Number(input.value) + 2]; };
    if (input.value !== "0") touched.add(input);
    input.addEventListener("input", () => { touched.add(input); word(); });
    word();
  }
  const thumbs = [...form.querySelectorAll("[data-liked]")];
  for (const thumb of thumbs) {
    thumb.addEventListener("click", () => {
      for (const other of thumbs) other.setAttribute("aria-pressed", String(other === thumb));
      rate({ liked: thumb.dataset.liked === "true" });
    });
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const parameters = Object.fromEntries([...touched].map((input) => [input.name, Number(input.value)]));
    rate({ parameters, note: element("note").value.trim() });
  });
}

if (element("own")) {
  price(true);
  element("own-again").addEventListener("click", () => price(false));
  element("call").addEventListener("click", call);
  element("keep").addEventListener("click", keep);
}
if (element("rate")) rating();
