/** Reads a product's code with the camera: the browser's own detector where there is one, else jsQR. Nothing leaves the phone. */
import { readJson } from "./texts.js";

const FORMATS = ["qr_code", "ean_13", "ean_8", "upc_a", "data_matrix"];
const EVERY_MS = 150;
const WIDTH = 640;
const say = readJson("me-texts");
const element = (id) => document.getElementById(id);
let stream = null;

/** The product's number in a scanned text: a GS1 Digital Link, or digits; null for anything else. */
export function numberIn(text) {
  const link = /\/01\/(\d{8,14})(?:[/?#]|$)/.exec(text);
  if (link) return { gtin: link[1], store: storeIn(text) };
  return /^\d{8,14}$/.test(text.trim()) ? { gtin: text.trim(), store: null } : null;
}

/** Our own links may name the store; another host's parameters mean nothing here. */
function storeIn(text) {
  try {
    const url = new URL(text);
    return url.host === location.host ? url.searchParams.get("store") : null;
  } catch {
    return null;
  }
}

function state(text) {
  element("scan-state").textContent = text;
}

async function detector() {
  if ("BarcodeDetector" in window) {
    const known = await window.BarcodeDetector.getSupportedFormats();
    const formats = FORMATS.filter((format) => known.includes(format));
    if (formats.includes("qr_code")) {
      const own = new window.BarcodeDetector({ formats });
      return async (video) => (await own.detect(video)).map((code) => code.rawValue);
    }
  }
  await script(element("camera").dataset.decoder);
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  return async (video) => {
    canvas.width = Math.min(WIDTH, video.videoWidth);
    canvas.height = Math.round((video.videoHeight * canvas.width) / video.videoWidth);
    pen.drawImage(video, 0, 0, canvas.width, canvas.height);
    const picture = pen.getImageData(0, 0, canvas.width, canvas.height);
    const code = window.jsQR(picture.data, picture.width, picture.height);
    return code ? [code.data] : [];
  };
}

function script(address) {
  return new Promise((resolve, reject) => {
    const tag = document.createElement("script");
    tag.src = address;
    tag.onload = resolve;
    tag.onerror = reject;
    document.head.append(tag);
  });
}

async function open() {
  if (!navigator.mediaDevices?.getUserMedia) return state(say.noCamera);
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } });
  } catch (error) {
    return state(error.name === "NotAllowedError" ? say.refused : say.noCamera);
  }
  const video = element("video");
  video.srcObject = stream;
  element("view").hidden = false;
  element("start").hidden = true;
  state(say.looking);
  const [find] = await Promise.all([detector(), video.play()]);
  return look(video, find);
}

async function look(video, find) {
  while (stream) {
    const texts = video.videoWidth && !document.hidden ? await find(video).catch(() => []) : [];
    const found = texts.map(numberIn).find(Boolean);
    if (found) return go(found);
    if (texts.length) state(say.notOurs);
    await new Promise((resolve) => { setTimeout(resolve, EVERY_MS); });
  }
  return undefined;
}

function close() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
}

function go({ gtin, store }) {
  close();
  navigator.vibrate?.(60);
  const query = new URLSearchParams({ gtin, scanned: "1" });
  if (store) query.set("store", store);
  location.assign(`/me/scan?${query}`);
}

element("start").addEventListener("click", open);
window.addEventListener("pagehide", close);
