// Shows the rows of the table of models that hold all words, and are of the chosen task and licence.
(text, task, licence) => {
  const words = (text || "").toLowerCase().split(/\s+/).filter(Boolean);
  const filter = () => {
    const rows = [...document.querySelectorAll("#models-table tbody tr")];
    for (const row of rows) {
      const fits = (value, chosen) => chosen === "" || value === chosen;
      const found = words.every((word) => row.textContent.toLowerCase().includes(word));
      row.hidden = !(found && fits(row.dataset.task, task) && fits(row.dataset.licence, licence));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    const line = document.querySelector("#models-count");
    if (line) line.textContent = `${shown} of ${rows.length} models`;
  };
  filter();
  setTimeout(filter, 100); // once more, for a table that has just been drawn anew
}
