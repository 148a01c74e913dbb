// The row of the map that is pointed at, or reached by keyboard, shows what lies on the
// way to it: its arcs, the pages it builds on, and so on from there.
for (const map of document.querySelectorAll(".pp-map")) {
  const arcs = map.querySelectorAll("path"); // in the order of the rows and their needs
  const rows = [...map.querySelectorAll(".pp-map__page")];
  const needs = rows.map((row) => (row.dataset.needs ?? "").split(" ").filter(Boolean));
  let drawn = 0;
  const into = needs.map((list) => list.map(() => arcs[drawn++]));

  const show = (row) => {
    const way = new Set([rows.indexOf(row)]);
    for (const at of way) for (const need of needs[at] ?? []) way.add(need - 1);
    map.classList.toggle("pp-map--way", row !== null);
    rows.forEach((other, at) => {
      other.classList.toggle("pp-way", way.has(at));
      for (const arc of into[at]) arc.classList.toggle("pp-way", way.has(at));
    });
  };
  const row = (target) => target?.closest?.(".pp-map__page") ?? null;
  map.addEventListener("pointerover", (event) => show(row(event.target)));
  map.addEventListener("pointerleave", () => show(row(document.activeElement)));
  map.addEventListener("focusin", (event) => show(row(event.target)));
  map.addEventListener("focusout", (event) => show(row(event.relatedTarget)));
}
