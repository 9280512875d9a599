/** The phone's key and certificate in IndexedDB. The private key is a CryptoKey that cannot be exported. */
const DATABASE = "vitrina";
const STORE = "keys";

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function within(mode, action) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = action(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** {pair, certificate: Uint8Array, notAfter: seconds, customer} or undefined. */
export const load = () => within("readonly", (store) => store.get("phone"));
export const save = (entry) => within("readwrite", (store) => store.put(entry, "phone"));
export const forget = () => within("readwrite", (store) => store.delete("phone"));
