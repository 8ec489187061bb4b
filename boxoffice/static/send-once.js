// A form that was sent says so. A second press is harmless (it carries the same key); this only calms.

for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", () => {
    const button = form.querySelector("button:not([type=button])");
    if (!button) return;
    button.dataset.words ??= button.textContent;
    button.textContent = "One moment …";
    button.setAttribute("aria-disabled", "true");
  });
}

// Coming back by the browser's button shows the page as it was left.
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button[data-words]")) {
    button.textContent = button.dataset.words;
    button.removeAttribute("aria-disabled");
  }
});
