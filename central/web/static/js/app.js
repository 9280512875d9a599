/** What every page does: anti-forgery header, ticking times, expired sessions, the lost-connection banner of polled lists. */
import { since, texts, toast } from "./texts.js";

const csrf = document.querySelector('meta[name="csrf"]')?.content;

document.addEventListener("htmx:config:request", (event) => {
  if (csrf) event.detail.ctx.request.headers["X-CSRF-Token"] = csrf;
});

function signInAgain() {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

document.addEventListener("htmx:response:error", (event) => {
  const { ctx } = event.detail;
  const status = ctx.response.status;
  if (polled(ctx)) return showLost(true);
  if (status === 409) toast(texts[ctx.response.headers.get("X-Reason")] ?? texts.taken);
  else if (status === 404) toast(texts.gone);
  else if (status === 403) toast(texts.forbidden);
  else toast(texts.failed);
  return undefined;
});

document.addEventListener("htmx:error", (event) => {
  const { ctx } = event.detail;
  if (!ctx) return;
  if (polled(ctx)) showLost(true);
  else if (ctx.sourceElement?.matches?.("[data-act]")) toast(texts.offline);
});

document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.response.status === 401) {
    event.preventDefault(); // back to this page after signing in, not to the fragment that was asked for
    signInAgain();
  }
  if (polled(ctx) && ctx.response.status < 400) showLost(false);
  const list = ctx.sourceElement?.matches?.("[data-act]") && ctx.sourceElement.closest("[hx-trigger*=refresh]");
  if (list) window.htmx.trigger(list, "refresh");
  const other = ctx.sourceElement?.dataset?.refresh;
  if (other) window.htmx.trigger(document.querySelector(other), "refresh");
});

document.addEventListener("htmx:after:swap", tick);

function polled(ctx) {
  return Boolean(ctx.sourceElement?.matches?.("[data-poll]"));
}

function showLost(lost) {
  const banner = document.getElementById("lost");
  if (banner) banner.hidden = !lost;
}

/** Times since an event, by the clock of this screen; a clock that is behind shows "just now", never a negative time. */
function tick() {
  const now = Date.now();
  for (const time of document.querySelectorAll("time[data-since]")) {
    const text = since(Math.max(0, (now - Date.parse(time.dateTime)) / 1000));
    if (time.textContent !== text) time.textContent = text;
  }
}

tick();
setInterval(tick, 1000);

for (const select of document.querySelectorAll("select[data-submit]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
