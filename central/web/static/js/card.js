/** The consultant's card: live refresh, the comparison's choice, sliders that count only when touched. */
import { fill, readJson, toast } from "./texts.js";

const card = document.getElementById("card");
const live = document.getElementById("live");
const sheet = document.getElementById("opinion");
const texts = readJson("card-texts");
const { visit, store } = card.dataset;
const MOST = 4;

const refresh = () => window.htmx.trigger(live, "refresh");

/* The stream says that something changed in this visit; a poll every half minute catches what it missed. */
const stream = new EventSource(`/api/v1/alerts/stream?store=${encodeURIComponent(store)}`);
for (const name of ["arrival", "updated", "retracted"]) {
  stream.addEventListener(name, (event) => {
    if (JSON.parse(event.data).visit === visit) refresh();
  });
}
let broken = false;
stream.addEventListener("error", () => { broken = true; });
stream.addEventListener("open", () => {
  if (broken) refresh();
  broken = false;
});
window.addEventListener("pagehide", () => stream.close());

/* Comparison */
const key = `compare:${visit}`;
const chosen = new Set(JSON.parse(sessionStorage.getItem(key) ?? "[]"));

function showChosen() {
  for (const button of document.querySelectorAll("[data-compare]")) {
    button.setAttribute("aria-pressed", String(chosen.has(button.dataset.compare)));
  }
}

function compare() {
  sessionStorage.setItem(key, JSON.stringify([...chosen]));
  document.getElementById("compare-panel").hidden = chosen.size === 0;
  const inputs = [...chosen].map((sku) => {
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name: "sku", value: sku });
    return input;
  });
  document.getElementById("compare-skus").replaceChildren(...inputs);
  if (chosen.size) window.htmx.trigger(document.getElementById("compare-form"), "refresh");
  showChosen();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-compare]");
  if (button) {
    const sku = button.dataset.compare;
    if (chosen.has(sku)) chosen.delete(sku);
    else if (chosen.size >= MOST) toast(texts.most);
    else chosen.add(sku);
    compare();
  }
  if (event.target.closest("#compare-none")) {
    chosen.clear();
    compare();
  }
  if (event.target.closest("[data-close]")) closeSheet();
});

/* Opinions */
let opener = null;

sheet.addEventListener("input", (event) => {
  const slider = event.target.closest("[data-name]");
  if (!slider) return;
  slider.name = slider.dataset.name;
  const value = Number(slider.value);
  slider.parentElement.querySelector("output").textContent = value > 0 ? `+${value}` : String(value).replace("-", "−");
});

function closeSheet() {
  sheet.replaceChildren();
  opener?.focus();
  opener = null;
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && sheet.childElementCount) closeSheet();
});

document.addEventListener("htmx:after:swap", (event) => {
  const target = event.detail?.ctx?.target ?? event.target;
  showChosen();
  if (target === sheet) {
    opener ??= event.detail?.ctx?.sourceElement ?? null;
    sheet.querySelector("#sheet-title")?.focus({ preventScroll: true });
    if (sheet.querySelector("[data-done]")) setTimeout(() => sheet.querySelector("[data-done]") && closeSheet(), 1500);
    refresh();
  }
});

document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.response.status >= 400) return;
  if (ctx.sourceElement?.matches?.("[data-basket]")) toast(fill(texts.basket, {}));
  if (ctx.sourceElement?.matches?.("[data-shown]")) {
    ctx.sourceElement.disabled = true;
    ctx.sourceElement.setAttribute("aria-pressed", "true");
  }
});

compare();
