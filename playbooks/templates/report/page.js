"use strict";
// Hides the rows that do not have all words, and dims boxes of pictures; without it the page is whole.
(() => {
  const form = document.getElementById("search");
  const box = form.querySelector("input");
  const told = form.querySelector("output");
  const place = (item) => item.closest("[data-cluster]")?.dataset.cluster ?? "";
  const known = (selector) =>
    [...document.querySelectorAll(selector)].map((item) => [item, `${item.textContent} ${place(item)}`.toLowerCase()]);
  const rows = known("tbody tr, .attention li");
  const nodes = known("g.node");
  const find = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (text) => words.every((word) => text.includes(word));
    rows.forEach(([row, text]) => { row.hidden = !fits(text); });
    nodes.forEach(([node, text]) => { node.classList.toggle("dim", !fits(text)); });
    document.querySelectorAll(".table").forEach((table) => {
      const empty = !table.querySelector("tbody tr:not([hidden])");
      table.hidden = empty && words.length > 0;
    });
    told.value = words.length ? `${rows.filter(([row]) => !row.hidden).length} rows` : "";
  };
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  box.addEventListener("input", find);
})();
