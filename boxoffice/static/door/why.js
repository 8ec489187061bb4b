// Asks for a reason: one of a few, or in one's own words.

import { settle } from "./second_tap.js";

const dialog = document.querySelector("#why");
const form = dialog.querySelector("form");
const REASON_MAX = 200;

/** The reason, or "" when somebody thought better of it. */
export function askWhy(title, action, reasons) {
  dialog.querySelector("h2").textContent = title;
  form.querySelector("[value=yes]").textContent = action;
  const choices = reasons.map((reason, place) => choice(reason, place === 0));
  dialog.querySelector(".why-reasons").replaceChildren(...choices);
  form.elements.own.value = "";
  settle(form.querySelector(".actions"));
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes" ? said() : ""), { once: true });
  });
}

function said() {
  return (form.elements.own.value.trim() || new FormData(form).get("reason")).slice(0, REASON_MAX);
}

function choice(reason, checked) {
  const label = document.createElement("label");
  const radio = Object.assign(document.createElement("input"), { type: "radio", name: "reason", value: reason, checked });
  label.append(radio, ` ${reason}`);
  return label;
}
dialog.querySelector("[value=no]").addEventListener("click", () => dialog.close("no"));
dialog.addEventListener("cancel", () => (dialog.returnValue = "no"));
