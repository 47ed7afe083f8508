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
    const isOf = (cell) => cell.dataset.release.split(" ").includes(release);
    const verdicts = new Set(chosen.getAll("verdict"));
    const words = chosen.get("q").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      let fits = verdicts.size === 0 && !release;
      for (const cell of row.querySelectorAll("td")) {
        const here = (!release || isOf(cell)) && Boolean(cell.dataset.verdict);
        const wanted = here && (verdicts.size === 0 || verdicts.has(cell.dataset.verdict));
        cell.classList.toggle("dim", verdicts.size > 0 && !wanted);
        fits ||= wanted;
      }
      const text = row.cells[0].textContent.toLowerCase();
      row.hidden = !(fits && words.every((word) => text.includes(word)));
      shown += row.hidden ? 0 : 1;
    }
    for (const cell of table.querySelectorAll("[data-release]")) {
      cell.hidden = Boolean(release) && !isOf(cell);
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

  // A claim fits when each word stands in one of its texts; it is told which, and the best come first.
  const fit = (claim, words) => {
    const places = [
      [4, "", `${claim.name} ${claim.statement}`],
      ...claim.rivals.map((rival) => [2, `contradicts: ${rival}`, rival]),
      [1, `evidence: ${claim.keys}`, claim.keys],
    ];
    let score = 0;
    let note = "";
    for (const word of words) {
      const found = places.find(([, , text]) => text.toLowerCase().includes(word));
      if (!found) return null;
      score += found[0];
      note ||= found[1];
    }
    return { claim, score, note };
  };

  const search = (query, results) => {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const all = window.beamproofIndex ?? [];
    const found = words.length === 0 ? [] : all.map((claim) => fit(claim, words)).filter(Boolean);
    found.sort((one, other) => other.score - one.score);
    results.replaceChildren(...found.slice(0, 100).map(({ claim, note }) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = claim.href;
      link.textContent = claim.statement;
      const about = document.createElement("p");
      about.className = "hint";
      about.textContent = `${claim.verdict}, ${claim.name}${note ? `; ${note.slice(0, 300)}` : ""}`;
      item.append(link, about);
      return item;
    }));
    document.querySelector(".found").textContent =
      words.length === 0 ? `${all.length} claims can be searched.` : `${found.length} of ${all.length} claims fit.`;
  };

  if (form && table) {
    form.hidden = false;
    recall();
    apply();
    form.addEventListener("input", () => { apply(); remember(); });
    form.addEventListener("reset", () => setTimeout(() => { apply(); remember(); }));
    form.addEventListener("submit", (event) => event.preventDefault());
  }
  const results = document.querySelector("ol.results");
  if (results) {
    const field = document.getElementById("search");
    const show = () => search(field.value, results);
    field.value = new URLSearchParams(location.search).get("q") ?? "";
    show();
    field.focus();
    field.addEventListener("input", () => {
      show();
      try {
        history.replaceState(null, "", `${location.pathname}?q=${encodeURIComponent(field.value)}`);
      } catch {
        // As above: only the address is lost.
      }
    });
    field.form.addEventListener("submit", (event) => event.preventDefault());
  }
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    document.getElementById("search").focus();
  });
  window.addEventListener("hashchange", openTarget);
  window.addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details")) fold.open = true;
  });
  if (location.hash) openTarget();
})();
