// A box that scrolls sideways must be reachable by keyboard, and only while it does.
const widths = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.setAttribute("tabindex", "0");
    else target.removeAttribute("tabindex");
  }
});
for (const box of document.querySelectorAll(".pp-scroll")) widths.observe(box);

// The theme puts each copy button into a nav, a landmark without a name: it is none.
const unmark = () => {
  for (const nav of document.querySelectorAll(".md-code__nav:not([role])"))
    nav.setAttribute("role", "presentation");
};
new MutationObserver(unmark).observe(document.body, { childList: true, subtree: true });
unmark();

// Its note that a block was copied is for those who listen, too.
document.querySelector(".md-dialog")?.setAttribute("role", "status");
