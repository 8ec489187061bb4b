// Whether the night's key signed a ticket (Ed25519, RFC 8032): by the browser's own WebCrypto, else by @noble/ed25519,
// which we serve.

const imported = new Map();
let native = true;
let fallback;

/** `key`: base64 of 32 bytes; `signed` and `signature`: bytes; `library`: where the fallback is served, or "". */
export async function genuine(key, signed, signature, library) {
  if (native) {
    try {
      return await crypto.subtle.verify({ name: "Ed25519" }, await importedKey(key), signature, signed);
    } catch {
      native = false; // a browser of before 2025
    }
  }
  if (!library) throw new Error("This browser cannot check tickets without a network.");
  fallback ??= import(library);
  return await (await fallback).verifyAsync(signature, signed, bytesOf(key)).catch(() => false);
}

async function importedKey(key) {
  if (!imported.has(key)) {
    imported.set(key, await crypto.subtle.importKey("raw", bytesOf(key), { name: "Ed25519" }, false, ["verify"]));
  }
  return imported.get(key);
}

function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
