/** What both pages need: settings, words, requests, small DOM tools. */
export const settings = JSON.parse(document.getElementById("settings").textContent);
export const words = settings.words;
export const element = (id) => document.getElementById(id);

export class Refused extends Error {
  constructor(word, text) {
    super(text);
    this.word = word;
  }
}

/** Answers the Response; a refusal is thrown with its word. */
export async function ask(path, content) {
  const options = { method: "POST", headers: {} };
  if (content !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(content);
  }
  let response;
  try {
    response = await fetch(`/api/${path}`, options);
  } catch {
    throw new Refused("offline", words.error_offline);
  }
  if (!response.ok) {
    const answer = await response.json().catch(() => ({ error: "other", text: response.statusText }));
    throw new Refused(answer.error, answer.text);
  }
  return response;
}

export const told = (error) => words[`error_${error.word}`] ?? `${words.error_other} ${error.message}`;

/** A word's text with {names} filled in. */
export function say(word, values = {}) {
  const text = words[word] ?? word;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export function notice(message, kind = "") {
  const place = element("notice");
  place.textContent = message;
  place.className = `banner ${kind}`;
  place.hidden = !message;
}

/** make("button", {class: "x", onclick: f}, "text", child, ...) */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const NAMESPACE = "http://www.w3.org/2000/svg";
export function draw(tag, attributes = {}, ...children) {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
