// The table of models: "Try it" triggers `select` with the name of the model of that row.
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-try]");
  if (button) trigger("select", { index: 0, value: button.dataset.try });
});
