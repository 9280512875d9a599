/** Live arrivals: the stream says that something changed, the list is drawn again by the server. */
import { fill } from "./texts.js";

const stream = document.getElementById("stream");
const cards = document.getElementById("cards");
const heard = document.getElementById("heard");
const sound = document.getElementById("sound");
const RETRY_MS = 3000;

let connected = false;
let dropped = 0;
let link = null;

function show() {
  document.getElementById("live").hidden = !connected;
  document.getElementById("lost").hidden = connected || !dropped;
}

function refresh() {
  window.htmx.trigger(cards, "refresh");
}

stream.addEventListener("htmx:sse:after:connection", (event) => {
  link = event.detail.connection;
  connected = true;
  show();
  if (dropped) refresh();
  dropped = 0;
});

for (const name of ["htmx:sse:error", "htmx:sse:close", "htmx:error", "htmx:response:error"]) {
  stream.addEventListener(name, (event) => {
    if (event.detail.status === 401) location.assign("/login?next=/arrivals");
    lose();
  });
}
// The stream ended and the extension is about to try again: not yet worth a banner, unless it stays so.
stream.addEventListener("htmx:sse:before:connection", () => {
  if (!connected) return;
  connected = false;
  setTimeout(() => connected || lose(), 1500);
});

function lose() {
  connected = false;
  dropped += 1;
  show();
}

// When not even the first connection came about nobody retries but us; never ask twice at once.
let asking = false;
stream.addEventListener("htmx:before:request", () => { asking = true; });
stream.addEventListener("htmx:finally:request", () => { asking = false; });
setInterval(() => connected || asking || window.htmx.trigger(stream, "connect-again"), RETRY_MS);

/** End a stream that may be dead without having noticed (Wi-Fi gone and back): the extension opens a new one. */
function reconnect() {
  link?.reader?.cancel();
  link?.delayCanceller?.();
}

window.addEventListener("offline", () => { lose(); reconnect(); });
window.addEventListener("online", reconnect);
cards.addEventListener("htmx:error", (event) => { if (event.target === cards) lose(); });
cards.addEventListener("htmx:after:swap", () => { if (!connected) reconnect(); });
window.addEventListener("pagehide", () => window.htmx.trigger(stream, "htmx:abort"));

for (const name of ["arrival", "updated", "retracted"]) {
  stream.addEventListener(name, (event) => {
    refresh();
    if (name === "arrival") announce(JSON.parse(event.detail.data));
  });
}

function announce(card) {
  const who = card.customer.guest ? stream.dataset.guest : card.customer.name;
  const line = document.createElement("p");
  line.textContent = fill(stream.dataset.arrived, { who });
  heard.append(line);
  while (heard.children.length > 5) heard.firstElementChild.remove();
  if (audio) chime();
}

/* A browser lets a page sound only after a click, so the switch makes the audio context. */
let audio = null;

sound.addEventListener("click", async () => {
  if (audio) {
    await audio.close();
    audio = null;
  } else {
    audio = new AudioContext();
    chime();
  }
  sound.setAttribute("aria-pressed", String(Boolean(audio)));
  sound.querySelector("[data-on]").hidden = !audio;
  sound.querySelector("[data-off]").hidden = Boolean(audio);
});

function chime() {
  [659.3, 880].forEach((pitch, index) => {
    const start = audio.currentTime + index * 0.16;
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, start);
    volume.gain.exponentialRampToValueAtTime(0.2, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.5);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.55);
  });
}
