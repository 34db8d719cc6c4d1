"use strict";
(() => {
  document.documentElement.classList.add("js");
  for (const section of document.querySelectorAll(".matrix")) {
    const form = section.querySelector("form");
    const rows = [...section.querySelectorAll("tr[data-marks]")];
    const heads = [...section.querySelectorAll("thead tr")];
    const apply = () => {
      const { text, show, suite, level, server } = form.elements;
      const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
      const only = server.value === "" ? -1 : Number(server.value);
      let count = 0;
      for (const row of rows) {
        const cells = [...row.cells].slice(1);
        const about = row.cells[0].textContent.toLowerCase();
        const mark = only < 0 ? row.dataset.marks : cells[only].dataset.outcome;
        const shown = !show.value || (only < 0 ? mark.split(" ").includes(show.value)
          : mark === "FAIL" || (show.value === "deviates" && ["NON_STRICT", "INCONCLUSIVE"].includes(mark)));
        row.hidden = !(shown && words.every((word) => about.includes(word))
          && (!suite.value || row.dataset.suites.split(" ").includes(suite.value))
          && (!level.value || row.dataset.level === level.value));
        count += !row.hidden;
      }
      for (const row of [...heads, ...rows])
        [...row.cells].slice(1).forEach((cell, at) => { cell.hidden = only >= 0 && at !== only; });
      form.querySelector("output").textContent = `${count} of ${rows.length} shown`;
    };
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    apply();
  }
})();
