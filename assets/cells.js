// Buttons that lie on the cells of a sheet of pictures. A click triggers `select` with the number of the cell.
element.addEventListener("click", (event) => {
  const cell = event.target.closest("[data-cell]");
  if (cell) trigger("select", { index: Number(cell.dataset.cell), value: cell.dataset.cell });
});
