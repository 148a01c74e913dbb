// A box that scrolls sideways is reached by keyboard, and only while it does; its edge
// is shaded where there is more. All boxes are measured before one is changed.
const SIDEWAYS = "pre > code, .pp-scroll, .pp-math, .pp-inline";
const mark = (boxes) => {
  const found = boxes.map((box) => {
    const more = box.scrollWidth - box.clientWidth;
    return { box, more, before: box.scrollLeft > 1, after: box.scrollLeft < more - 1 };
  });
  for (const { box, more, before, after } of found) {
    if (more > 0 && !box.hasAttribute("tabindex")) box.setAttribute("tabindex", "0");
    else if (more <= 0) box.removeAttribute("tabindex");
    if (before !== box.classList.contains("pp-before")) box.classList.toggle("pp-before");
    if (after !== box.classList.contains("pp-after")) box.classList.toggle("pp-after");
  }
};
const widths = new ResizeObserver((entries) => mark(entries.map(({ target }) => target)));
for (const box of document.querySelectorAll(SIDEWAYS)) widths.observe(box);
document.addEventListener(
  "scroll",
  ({ target }) => { if (target.matches?.(SIDEWAYS)) mark([target]); },
  { capture: true, passive: true },
);

// The theme's note that a block was copied is for those who listen, too.
document.querySelector(".md-dialog")?.setAttribute("role", "status");
