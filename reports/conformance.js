"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const form = document.getElementById("filter");
  const cases = [...document.querySelectorAll("details.case")];
  const groups = [...document.querySelectorAll(".group")];
  const shown = document.getElementById("shown");
  const texts = new Map();

  // What a row is found by: all it says but its wire log. Read once, when it is first needed.
  const textOf = (row) => {
    if (!texts.has(row)) {
      const parts = [...row.querySelectorAll("summary, dl")].map((part) => part.textContent);
      texts.set(row, parts.join(" ").toLowerCase());
    }
    return texts.get(row);
  };

  const apply = () => {
    const wanted = (name) => form.elements[name].value;
    const words = wanted("text").toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of cases) {
      const data = row.dataset;
      row.hidden = !(
        (!wanted("outcome") || data.outcome === wanted("outcome")) &&
        (!wanted("suite") || data.suite === wanted("suite")) &&
        (!wanted("level") || data.level === wanted("level")) &&
        (!wanted("standing") || data.standing === wanted("standing")) &&
        words.every((word) => textOf(row).includes(word))
      );
      count += !row.hidden;
    }
    for (const group of groups) {
      group.hidden = !group.querySelector("details.case:not([hidden])");
    }
    shown.textContent = `${count} of ${cases.length} shown`;
    form.elements.none.hidden = count === cases.length;
  };

  const clear = () => {
    form.reset();
    apply();
  };

  if (form) {
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.elements.none.addEventListener("click", clear);
    form.elements.toggle.addEventListener("click", () => {
      const visible = cases.filter((row) => !row.hidden);
      const open = !visible.every((row) => row.open);
      for (const row of visible) row.open = open;
    });
    for (const chip of document.querySelectorAll("a.chip")) {
      chip.addEventListener("click", () => {
        form.reset();
        form.elements.outcome.value = chip.dataset.outcome;
        apply();
      });
    }
    apply(); // a browser that comes back to the page keeps what was chosen
  }

  // A link to a case must find it, though a filter may hide it and its row is closed.
  const reveal = () => {
    let id = location.hash.slice(1);
    try {
      id = decodeURIComponent(id);
    } catch {
      return;
    }
    const row = document.getElementById(id)?.closest("details.case");
    if (!row) return;
    if (row.hidden) clear();
    row.open = true;
    row.scrollIntoView({ block: "center" });
  };
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const code = button.parentElement.querySelector("code");
    let done = true;
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      getSelection().selectAllChildren(code);
      done = document.execCommand("copy");
    }
    button.textContent = done ? "copied" : "press Ctrl+C";
    setTimeout(() => (button.textContent = "copy"), 1500);
  });

  // On paper nothing can be opened: what deviates is printed with its evidence.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = cases.filter((row) => !row.open && !row.hidden && row.dataset.standing !== "rest");
    for (const row of opened) row.open = true;
  });
  addEventListener("afterprint", () => {
    for (const row of opened) row.open = false;
  });
})();
