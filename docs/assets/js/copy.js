// Each cell has a button that copies it, and one that copies it with the earlier cells it
// needs; these show while it is pointed at. The theme's clipboard takes what
// data-clipboard-text says when the click arrives there.
const cells = [...document.querySelectorAll(".pp-cell")];
const needed = (cell) => cell.dataset.needs.split(" ").filter(Boolean).map((i) => cells[i]);
const code = (cell) => cell.querySelector("code").textContent.trimEnd();
const bundle = (cell) => [...needed(cell), cell].map(code).join("\n\n\n") + "\n";

document.addEventListener("click", ({ target }) => {
  const cell = target.closest(".pp-cell");
  if (target.matches(".pp-copy")) target.dataset.clipboardText = code(cell) + "\n";
  if (target.matches(".pp-bring")) target.dataset.clipboardText = bundle(cell);
}, true);

for (const [event, shown] of [
  ["pointerover", true], ["focusin", true], ["pointerout", false], ["focusout", false],
]) document.addEventListener(event, ({ target }) => {
  if (!(target instanceof Element && target.matches(".pp-bring"))) return;
  for (const other of needed(target.closest(".pp-cell")))
    other.classList.toggle("pp-cell--needed", shown);
});
