// The number of each ticket with − and +, and the sum beside the button. Without this file plain number fields do.

const form = document.querySelector("#choose");
const sum = document.querySelector("#sum");
const inputs = [...form.querySelectorAll("input[type=number]")];
const digits = new Intl.NumberFormat("en-GB", { style: "currency", currency: form.dataset.currency });
const decimals = Number(form.dataset.decimals);

/** The price of one when `quantity` are bought together: of the first release that has them all. */
function unitPrice(input, quantity) {
  const ladder = input.dataset.prices.split(",").map((rung) => rung.split(":").map(Number));
  return ladder.find(([left]) => quantity <= left)?.[1];
}

function quantityOf(input) {
  return Math.min(Math.max(Math.trunc(input.valueAsNumber) || 0, 0), Number(input.max));
}

function showSum() {
  let quantity = 0;
  let total = 0;
  for (const input of inputs) {
    const chosen = quantityOf(input);
    quantity += chosen;
    total += chosen * (unitPrice(input, chosen) ?? 0);
  }
  if (quantity === 0 || !sum) return;
  const amount = document.createElement("strong");
  amount.textContent = total ? digits.format(total / 10 ** decimals) : "free";
  sum.replaceChildren(`${quantity} ${quantity === 1 ? "ticket" : "tickets"} `, amount);
}

function stepButton(input, step, sign, word) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "step";
  button.textContent = sign;
  button.setAttribute("aria-label", `${word} ${input.labels[0].textContent.replace(/^How many of /, "")}`);
  button.addEventListener("click", () => {
    input.value = String(Math.min(Math.max(quantityOf(input) + step, 0), Number(input.max)));
    showSum();
  });
  return button;
}

for (const input of inputs) {
  input.before(stepButton(input, -1, "−", "One less:"));
  input.after(stepButton(input, 1, "+", "One more:"));
  input.closest(".stepper").classList.add("with-steps");
  input.value ||= "0";
  input.addEventListener("focus", () => input.select());
  input.addEventListener("input", showSum);
}
if (inputs.some((input) => quantityOf(input) > 0)) showSum();

// An empty choice is sent nowhere: the sentence stands here at once.
form.addEventListener("submit", (event) => {
  if (inputs.some((input) => quantityOf(input) > 0)) return;
  event.preventDefault();
  let notice = document.querySelector("#nothing");
  if (!notice) {
    notice = Object.assign(document.createElement("p"), { id: "nothing", className: "notice", role: "alert" });
    form.before(notice);
  }
  notice.textContent = "Choose at least one ticket first.";
  inputs[0].focus({ preventScroll: true });
  document.querySelector("#tickets").scrollIntoView();
});
