// Asking for the PIN: once it is sent, the way back from the scanner leads to the scanner, not to the link's secret.

const { slug } = document.querySelector("#content").dataset;

document.querySelector("form").addEventListener("submit", () => {
  history.replaceState(null, "", `/door/${encodeURIComponent(slug)}`);
});
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
