// Any two runs side by side: verdicts, figures and VMs that differ, from what `runs.js` holds.
"use strict";
(() => {
  const form = document.querySelector("form.two");
  const data = window.beamproofRuns;
  if (!form || !data) return;
  const place = document.querySelector(".differences");
  const status = form.querySelector(".shown");
  const WORDS = { c: "confirmed", r: "refuted", i: "inconclusive", s: "skipped" };
  const SIGNS = { c: "\u2713", r: "\u2717", i: "?", s: "\u2013" };
  const RANK = { c: 0, s: 1, i: 2, r: 3 };
  const MOST = 200;

  const make = (name, content = [], attributes = {}) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...(Array.isArray(content) ? content : [content]));
    return element;
  };

  const cellLink = (cell) => {
    const at = Math.floor(cell / data.runtimes.length);
    const runtime = data.runtimes[cell % data.runtimes.length];
    const text = `${data.claims[at]}@${runtime}`;
    const id = data.claims[at].split("/")[1];
    return data.pages[at] ? make("a", text, { href: `${data.pages[at]}#${id}@${runtime}` }) : text;
  };
  const badge = (letter) => make("span", [make("span", SIGNS[letter], { "aria-hidden": "true" }), ` ${WORDS[letter]}`], { class: `badge ${WORDS[letter]}` });
  const number = (value) => (Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4))));

  const table = (title, columns, rows) => {
    if (rows.length === 0) return [];
    const head = make("thead", make("tr", columns.map((name) => make("th", name, { scope: "col" }))));
    const body = make("tbody", rows.slice(0, MOST).map(([first, ...others]) =>
      make("tr", [make("th", first, { scope: "row" }), ...others.map((one) => make("td", one))])));
    const more = rows.length > MOST ? [make("p", `… and ${rows.length - MOST} more.`, { class: "hint" })] : [];
    return [
      make("h2", `${title} (${rows.length})`),
      make("div", make("table", [head, body], { class: "stack" }), { class: "scroll", tabindex: "0", role: "region", "aria-label": title }),
      ...more,
    ];
  };

  const verdicts = (old, now) => {
    const found = [];
    const only = new Map();
    for (let cell = 0; cell < old.verdicts.length; cell++) {
      const [before, after] = [old.verdicts[cell], now.verdicts[cell]];
      if (before === after) continue;
      if (before === "." || after === ".") {
        const key = `${cell % data.runtimes.length} ${before === "." ? 1 : 0}`;
        only.set(key, [...(only.get(key) ?? []), before === "." ? after : before]);
      } else found.push([cell, before, after]);
    }
    found.sort((one, other) => (RANK[other[2]] - RANK[other[1]]) - (RANK[one[2]] - RANK[one[1]]));
    return [found, only];
  };

  const reason = (run, cell) => {
    const why = run.why[cell];
    return why === undefined ? [] : [make("p", data.reasons[why], { class: "reason" })];
  };

  const figures = (at, other) => data.figures
    .map(([cell, path, unit, scatter, noise, values]) => [cell, path, unit, scatter, noise, values[at], values[other]])
    .filter(([, , , scatter, noise, before, after]) => before !== null && after !== null
      && Math.abs(after - before) > scatter * Math.max(Math.abs(before), Math.abs(after)) + noise)
    .map(([cell, path, unit, , , before, after]) => [cell, path, unit, before, after, (after - before) / Math.max(Math.abs(before), Math.abs(after))])
    .sort((one, two) => Math.abs(two[5]) - Math.abs(one[5]));

  const show = () => {
    const at = data.runs.findIndex((run) => run.run === form.elements.old.value);
    const other = data.runs.findIndex((run) => run.run === form.elements.new.value);
    const [old, now] = [data.runs[at], data.runs[other]];
    const [changed, only] = verdicts(old, now);
    const moved = figures(at, other);
    const vms = data.runtimes.map((name, n) => [data.labels[n], old.vms[name] ?? "\u2013", now.vms[name] ?? "\u2013"]).filter(([, before, after]) => before !== after);
    const gone = [...only].map(([key, found]) => {
      const [column, isNew] = key.split(" ").map(Number);
      const counts = ["r", "i", "c", "s"].map((letter) => [found.filter((one) => one === letter).length, WORDS[letter]]);
      const text = counts.filter(([count]) => count).map(([count, word]) => `${count} ${word}`).join(", ");
      return [data.labels[column], isNew ? "" : text, isNew ? text : ""];
    });
    place.replaceChildren(
      ...table("Verdicts that differ", ["Cell", "Before", "Now"], changed.map(([cell, before, after]) => [
        cellLink(cell), [badge(before), ...reason(old, cell)], [badge(after), ...reason(now, cell)]])),
      ...table("Cells that only one of them has", ["Release", "Only before", "Only now"], gone),
      ...table("Figures that moved", ["Cell", "Evidence", "Before", "Now", "Change"], moved.map(([cell, path, unit, before, after, change]) => [
        cellLink(cell), make("code", path), number(before) + unit, number(after) + unit, `${change > 0 ? "+" : "\u2212"}${Math.round(Math.abs(change) * 100)} %`])),
      ...table("VMs that differ", ["Release", "Before", "Now"], vms),
    );
    const parts = [[changed.length, "verdict"], [moved.length, "figure"], [vms.length, "VM"]].filter(([count]) => count)
      .map(([count, what]) => `${count} ${what}${count === 1 ? "" : "s"}`);
    const states = [old, now].filter((run) => run.state !== "complete").map((run) => `The run of ${run.started} is not complete: ${run.state}. `);
    status.textContent = states.join("") + (at === other ? "This is one and the same run." : parts.length || gone.length ? `Differ: ${[...parts, ...(gone.length ? ["cells"] : [])].join(", ")}.` : "Nothing differs.");
  };

  const query = new URLSearchParams(location.search);
  for (const name of ["old", "new"]) {
    const wanted = query.get(name);
    if (data.runs.some((run) => run.run === wanted)) form.elements[name].value = wanted;
  }
  show();
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    show();
    try {
      history.replaceState(null, "", `${location.pathname}?${new URLSearchParams(new FormData(form))}`);
    } catch {
      // A browser that forbids it for files only loses the address.
    }
  });
})();
