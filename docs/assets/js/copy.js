// Beside the theme's button that copies a block: one that copies it with the earlier
// blocks it needs. The theme's own clipboard takes what data-clipboard-text says.
const { title, none, some } = document.currentScript.dataset;
const cells = [...document.querySelectorAll(".pp-cell")];
const needed = (cell) => cell.dataset.needs.split(" ").filter(Boolean).map((i) => cells[i]);
const code = (cell) => cell.querySelector("code").textContent.trimEnd();
const bundle = (cell) => [...needed(cell), cell].map(code).join("\n\n\n") + "\n";

const button = (cell) => {
  const button = document.createElement("button");
  const { length } = needed(cell);
  button.className = "md-code__button pp-copy";
  button.type = "button";
  button.title = `${title} (${length ? some.replace("#", length) : none})`;
  button.dataset.clipboardText = "";
  button.addEventListener("click", () => { button.dataset.clipboardText = bundle(cell); });
  for (const [event, shown] of [
    ["mouseenter", true], ["focus", true], ["mouseleave", false], ["blur", false],
  ]) button.addEventListener(event, () => needed(cell).forEach(
    (other) => other.classList.toggle("pp-cell--needed", shown)));
  return button;
};

// The theme adds its buttons as blocks come into sight.
const complete = (nav) => {
  const cell = nav.closest(".pp-cell[data-needs]");
  if (cell && nav.closest(".language-python")) nav.append(button(cell));
};
new MutationObserver((changes) => {
  for (const { addedNodes } of changes)
    for (const node of addedNodes) if (node.className === "md-code__nav") complete(node);
}).observe(document.body, { childList: true, subtree: true });
document.querySelectorAll(".md-code__nav").forEach(complete);
