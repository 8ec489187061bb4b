// What this phone keeps, in IndexedDB: the pairing, the night's list, scans on their way, the last scans for people.

/** This phone keeps nothing more: its storage is full, or its browser keeps nothing at all. */
export class Unkept extends Error {
  constructor(cause) {
    super("This phone could not keep it, so nothing was done. Free some space on it, or use another scanner.", { cause });
  }
}

const STORES = { kept: {}, tickets: { keyPath: "id" }, queue: { keyPath: "nonce" }, log: { keyPath: "nonce" } };

/** The store of one night. */
export async function openStore(slug) {
  const request = indexedDB.open(`door ${slug}`, 1);
  request.onupgradeneeded = () => {
    for (const [name, options] of Object.entries(STORES)) request.result.createObjectStore(name, options);
  };
  return new Store(await done(request));
}

class Store {
  #db;

  constructor(db) {
    this.#db = db;
  }

  get(key) {
    return done(this.#db.transaction("kept").objectStore("kept").get(key));
  }

  all(name) {
    return done(this.#db.transaction(name).objectStore(name).getAll());
  }

  /**
   * All of it or nothing, and on the disk when this returns. `kept`: values by key; `put` and `remove`: lists by store;
   * `clear`: stores that are emptied first. Raises Unkept.
   */
  async write(changes) {
    try {
      await this.#written(changes);
    } catch (error) {
      throw new Unkept(error);
    }
  }

  async #written({ kept = {}, put = {}, remove = {}, clear = [] }) {
    const transaction = this.#db.transaction(Object.keys(STORES), "readwrite", { durability: "strict" });
    const ended = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error ?? new Error("not kept"));
    });
    for (const name of clear) transaction.objectStore(name).clear();
    for (const [key, value] of Object.entries(kept)) transaction.objectStore("kept").put(value, key);
    for (const [name, keys] of Object.entries(remove)) {
      for (const key of keys) transaction.objectStore(name).delete(key);
    }
    for (const [name, rows] of Object.entries(put)) for (const row of rows) transaction.objectStore(name).put(row);
    await ended;
  }
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
