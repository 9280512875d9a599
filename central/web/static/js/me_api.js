/** Requests of the customer's own page: anti-forgery token, errors with a status, how far the phone's clock is off. */
export const session = { csrf: document.querySelector('meta[name="csrf"]')?.content ?? "", skew: 0 };

export class HttpError extends Error {
  constructor(status) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

async function send(method, address, body) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (session.csrf) headers["X-CSRF-Token"] = session.csrf;
  const response = await fetch(address, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" });
  measureClock(response);
  if (!response.ok) throw new HttpError(response.status);
  return response;
}

/** JSON of a route under /api/v1, null for an empty answer. */
export async function api(method, path, body) {
  const response = await send(method, `/api/v1${path}`, body);
  return response.status === 204 ? null : response.json();
}

/** A file to save: the answer's bytes and the name the server gave it. */
export async function file(path) {
  const response = await send("GET", `/api/v1${path}`);
  const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
  return { blob: await response.blob(), name: name ?? "vitrina-data.json" };
}

/** A phone whose clock is wrong would show codes that are refused: follow the server's, to the second. */
function measureClock(response) {
  const server = Date.parse(response.headers.get("Date") ?? "");
  const off = server + 500 - Date.now();
  session.skew = Number.isFinite(off) && Math.abs(off) > 2000 ? off : 0;
}
