// Offers the viewer, in which requests can be tried out, beside the plain list. It is large, so it comes when asked for.
const viewer = document.querySelector("#viewer");
const button = document.createElement("button");
button.type = "button";
button.textContent = "Open the viewer";
viewer.before(button);

function open() {
  window.SwaggerUIBundle({
    url: viewer.dataset.schema,
    domNode: viewer,
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
    onComplete: () => {
      document.querySelector("#plain").hidden = true;
      button.hidden = true;
      document.documentElement.className = "viewing";
    },
  });
}

button.addEventListener(
  "click",
  () => {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = viewer.dataset.style;
    const script = document.createElement("script");
    script.src = viewer.dataset.script;
    script.addEventListener("load", open);
    document.head.append(style, script);
  },
  { once: true },
);
