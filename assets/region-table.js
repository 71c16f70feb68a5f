// The table of regions: each row points at its region in the picture (see lens.js), and a click picks it.
function rowOf(event) {
  return event.target.closest && event.target.closest("[data-region]");
}

function tell(region) {
  document.dispatchEvent(new CustomEvent("region-pointed", { detail: { region, from: element } }));
}

element.addEventListener("pointerover", (event) => {
  const row = rowOf(event);
  tell(row ? Number(row.dataset.region) : 0);
});
element.addEventListener("pointerleave", () => tell(0));
element.addEventListener("focusin", (event) => {
  const row = rowOf(event);
  if (row && event.target.matches(":focus-visible")) tell(Number(row.dataset.region));
});
element.addEventListener("focusout", () => tell(0));
element.addEventListener("click", (event) => {
  const row = rowOf(event);
  if (row) trigger("select", { index: Number(row.dataset.region), value: row.dataset.region });
});
document.addEventListener("region-pointed", (event) => {
  if (event.detail.from === element) return;
  for (const row of element.querySelectorAll("[data-region]")) {
    row.classList.toggle("pointed", Number(row.dataset.region) === event.detail.region);
  }
});
