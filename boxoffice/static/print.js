// A button for what the browser's menu does too.

const button = document.createElement("button");
button.className = "button no-print";
button.textContent = "Print";
button.addEventListener("click", () => print());
document.querySelector(".sheets").before(button);
