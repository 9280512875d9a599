/*
 * Keeps the check-in working without a connection. SHELL (version, urls) is put before this by central/web/pages/me.py.
 * Nothing about the customer is kept here: answers of /api and the pages that name things of theirs always come fresh.
 */
const CACHE = `vitrina-${SHELL.version}`;
const FIRST = "/me";
const OFFLINE = "/me/offline";
const PATIENCE_MS = 4000;

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));

async function keep() {
  const cache = await caches.open(CACHE);
  await cache.addAll(SHELL.urls.map((url) => new Request(url, { cache: "reload" })));
  await self.skipWaiting();
}

async function takeOver() {
  for (const name of await caches.keys()) {
    if (name.startsWith("vitrina-") && name !== CACHE) await caches.delete(name);
  }
  await self.clients.claim();
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    event.respondWith(url.pathname === FIRST ? fresh(request, FIRST) : page(request));
  } else if (url.pathname.startsWith("/static/")) {
    const lasting = url.searchParams.has("v") || url.pathname.startsWith("/static/vendor/");
    event.respondWith(lasting ? kept(request) : fresh(request, request.url));
  }
});

/** From the network, else what is kept; a network that does not answer is none. */
async function fresh(request, key) {
  const cache = await caches.open(CACHE);
  const asked = fetch(request).then(async (response) => {
    if (response.ok) await cache.put(key, response.clone());
    return response;
  });
  const late = new Promise((resolve) => { setTimeout(resolve, PATIENCE_MS); });
  const soon = await Promise.race([asked.catch(() => undefined), late]);
  return soon ?? (await cache.match(key)) ?? asked;
}

/** Addresses with a mark of their content never change. */
async function kept(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request)) ?? fetch(request);
}

async function page(request) {
  try {
    return await fetch(request);
  } catch {
    return (await (await caches.open(CACHE)).match(OFFLINE)) ?? Response.error();
  }
}
