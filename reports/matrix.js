"use strict";
(() => {
  document.documentElement.classList.add("js");
  for (const section of document.querySelectorAll(".matrix")) {
    const form = section.querySelector("form");
    const rows = [...section.querySelectorAll("tr[data-marks]")];
    const bodies = [...section.querySelectorAll("tbody")];
    const apply = () => {
      const show = form.elements.show.value;
      const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const row of rows) {
        const head = row.querySelector("th");
        const text = `${head.textContent} ${head.title}`.toLowerCase();
        const marked = !show || row.dataset.marks.split(" ").includes(show);
        row.hidden = !(marked && words.every((word) => text.includes(word)));
        count += !row.hidden;
      }
      for (const body of bodies) body.hidden = !body.querySelector("tr[data-marks]:not([hidden])");
      form.querySelector("output").textContent = `${count} of ${rows.length} shown`;
    };
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    apply();
  }
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") location.hash = "#none";
  });
})();
