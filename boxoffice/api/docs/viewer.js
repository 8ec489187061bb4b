// Replaces the plain list by the viewer; the list stays where scripts do not run.
const viewer = document.querySelector("#viewer");

window.SwaggerUIBundle({
  url: viewer.dataset.schema,
  domNode: viewer,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  onComplete: () => {
    document.querySelector("#plain").hidden = true;
  },
});
