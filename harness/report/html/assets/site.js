// What the pages do beside being read: filters on a skill's page, folds that open when linked to
// or printed. Everything is there without this script too.
"use strict";
(() => {
  const form = document.querySelector("form.filters");
  const table = document.querySelector("table.claims");

  const openTarget = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    const row = target.closest("tr");
    if (form && row && row.hidden) { form.reset(); apply(); }
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    if (target.matches("details")) target.open = true;
    target.scrollIntoView({ block: "center" });
  };

  const apply = () => {
    const chosen = new FormData(form);
    const release = chosen.get("release");
    const verdicts = new Set(chosen.getAll("verdict"));
    const words = chosen.get("q").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      let fits = verdicts.size === 0 && !release;
      for (const cell of row.querySelectorAll("td")) {
        const here = (!release || cell.dataset.release === release) && Boolean(cell.dataset.verdict);
        const wanted = here && (verdicts.size === 0 || verdicts.has(cell.dataset.verdict));
        cell.classList.toggle("dim", verdicts.size > 0 && !wanted);
        fits ||= wanted;
      }
      const text = row.cells[0].textContent.toLowerCase();
      row.hidden = !(fits && words.every((word) => text.includes(word)));
      shown += row.hidden ? 0 : 1;
    }
    for (const cell of table.querySelectorAll("[data-release]")) {
      cell.hidden = Boolean(release) && cell.dataset.release !== release;
    }
    const all = table.tBodies[0].rows.length;
    form.querySelector(".shown").textContent =
      shown === all ? `All ${all} claims are shown.` : `${shown} of ${all} claims are shown.`;
    document.querySelector("p.none").hidden = shown > 0;
  };

  const remember = () => {
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value)).toString();
    try {
      history.replaceState(null, "", `${location.pathname}${query ? `?${query}` : ""}${location.hash}`);
    } catch {
      // A browser that forbids it for files only loses the address, not the filter.
    }
  };

  const recall = () => {
    const query = new URLSearchParams(location.search);
    form.elements.q.value = query.get("q") ?? "";
    form.elements.release.value = query.get("release") ?? "";
    if (form.elements.release.selectedIndex < 0) form.elements.release.value = "";
    const verdicts = query.getAll("verdict");
    for (const box of form.querySelectorAll("input[name=verdict]")) box.checked = verdicts.includes(box.value);
  };

  if (form && table) {
    form.hidden = false;
    recall();
    apply();
    form.addEventListener("input", () => { apply(); remember(); });
    form.addEventListener("reset", () => setTimeout(() => { apply(); remember(); }));
    form.addEventListener("submit", (event) => event.preventDefault());
  }
  window.addEventListener("hashchange", openTarget);
  window.addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details")) fold.open = true;
  });
  if (location.hash) openTarget();
})();
