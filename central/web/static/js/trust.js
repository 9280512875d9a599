/** How far figures may be off, plainly. */
import { fill, language } from "./texts.js";

const number = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });

/** @returns {{text: string, level: "good" | "warn"}[]} what to say of an answer of the analytics routes */
export function trust(answer, texts) {
  const said = [];
  const { accuracy, source, sources } = answer;
  if (source === "counter") said.push({ text: texts.counter, level: "warn" });
  else if (source === "uncalibrated") said.push({ text: texts.uncalibrated, level: "warn" });
  else if (accuracy.count_error === null && accuracy.dwell_error_s === null) said.push({ text: texts.notAudited, level: "warn" });
  else {
    const counts = accuracy.count_error === null ? texts.countsNot : fill(texts.counts, { n: number.format(accuracy.count_error * 100) });
    const times = accuracy.dwell_error_s === null ? texts.timesNot : fill(texts.times, { n: number.format(accuracy.dwell_error_s) });
    said.push({ text: `${counts}, ${times}`, level: accuracy.count_error === null || accuracy.dwell_error_s === null ? "warn" : "good" });
  }
  if (source === "camera" && sources.includes("uncalibrated")) said.push({ text: texts.alsoUncalibrated, level: "warn" });
  if (source !== "counter" && sources.includes("counter")) said.push({ text: texts.alsoCounter, level: "plain" });
  if (answer.held_back) said.push({ text: fill(texts.heldBack, { k: answer.least_people }), level: "plain" });
  return said;
}

/** Chips of `trust` inside an element; left alone when nothing has changed. */
export function showTrust(element, answer, texts) {
  const said = trust(answer, texts);
  const key = JSON.stringify(said);
  if (element.dataset.said === key) return;
  element.dataset.said = key;
  element.replaceChildren(...said.map(({ text, level }) => {
    const chip = document.createElement("span");
    chip.className = level === "plain" ? "quiet small-text" : `chip ${level}`;
    chip.textContent = text;
    return chip;
  }));
}
