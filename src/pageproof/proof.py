"""Prove a page: run its blocks and hold what they do against what the page shows."""

import contextlib
import re
import threading
from dataclasses import dataclass
from pathlib import Path

from pageproof import children, device, figures
from pageproof.compare import figure_difference, same_text
from pageproof.limits import LimitError, Limits
from pageproof.notebook import BlockError, Notebook
from pageproof.page import Block, Figure, Page, Place, shown
from pageproof.state import isolated, leftover_threads, warm_up
from pageproof.update import Update

UNSHOWABLE = re.compile(
    r"[^\S\n ]|[\x00-\x08\x0e-\x1f\x7f]|^ *(?:```|~~~)", re.MULTILINE
)


class MismatchError(BlockError):
    """A block that ran, but made something else than its page shows."""


@dataclass(frozen=True)
class Settings:
    """How pages are proven in this run."""

    cuda: bool
    exact: bool
    update: bool
    style: Path  # light.mplstyle; dark.mplstyle lies beside it

    def skips(self, block: Block) -> str | None:
        """Return why a block is not run, None if it is."""
        if block.requires == "cuda" and not self.cuda:
            return "needs --device cuda"
        return block.skip


class Proof:
    """One page being proven; what it did to the process ends with `finish`."""

    def __init__(self, page: Page, settings: Settings) -> None:
        self.page, self.settings = page, settings
        if any("torch" in block.code for block in page.blocks):
            warm_up()
        with contextlib.ExitStack() as world:
            world.enter_context(isolated())
            figures.close()  # those that a failed test has left open
            if any(b.figures or "matplotlib" in b.code for b in page.blocks):
                figures.use_style(settings.style)
            notebook = Notebook(page, memory=not settings.cuda)
            self.notebook = world.enter_context(contextlib.closing(notebook))
            self.world = world.pop_all()
        self.update = Update(page)
        self.results: dict[int, BlockError | None] = {}
        self.threads, self.children = set(threading.enumerate()), children.running()
        self.allocated = device.cuda_allocations() if settings.cuda else 0

    def prove(self, block: Block) -> None:
        """Run a block, after those above it; BlockError says what does not hold."""
        todo = [b for b in self.page.blocks if not self.settings.skips(b)]
        for above in todo[: todo.index(block)]:
            error = self.result(above)
            if error and not isinstance(error, MismatchError):
                where = Place(self.page.path, above.line)
                message = f"not reached: the block at {where} failed before it"
                raise BlockError(Place(self.page.path, block.line), message)
        error = self.result(block)
        if not error and block is todo[-1]:
            error = self.results[block.line] = self.fault_at_the_end(block)
        if error:
            raise error

    def finish(self) -> list[str]:
        """Put the process back; with `update`, write what changed and return names."""
        children.end_new(self.children)
        self.world.close()
        if not self.settings.update or any(self.results.values()):
            return []
        todo = [b.line for b in self.page.blocks if not self.settings.skips(b)]
        if self.page.lab and not set(todo) <= self.results.keys():
            return [f"{shown(self.page.path)}: nothing, since not all cells were run"]
        try:
            return self.update.write()
        except OSError as error:
            message = f"cannot be rewritten: {error.strerror}: {error.filename}"
            raise self.page.error(1, message) from error

    def result(self, block: Block, *, look: bool = True) -> BlockError | None:
        if block.line not in self.results:
            try:
                self.attempt(block, look=look)
                self.results[block.line] = None
            except BlockError as error:
                self.results[block.line] = error
        return self.results[block.line]

    def attempt(self, block: Block, *, look: bool = True) -> None:
        """Run a block; without `look` at its figures, they are closed undrawn."""
        place = Place(self.page.path, block.line)
        printed = self.notebook.run(block)
        try:
            drawn = self.drawn(look)
        except (Exception, LimitError) as error:  # whatever matplotlib comes to
            raise BlockError(place, f"its figure cannot be drawn: {error}") from error
        if found := UNSHOWABLE.search(printed):
            raise BlockError(place, f"prints {found[0]!r}, which a page cannot show")
        if printed and not printed.endswith("\n"):
            printed += "\n"  # a fence ends its last line, whatever the block does
        self.check_output(block, printed)
        if not look:
            return
        if len(drawn) != len(block.figures):
            raise MismatchError(
                place,
                f"the block leaves {len(drawn)} figures open, the page shows "
                f"{len(block.figures)} after it: expected one line "
                "![what is to be seen](.../assets/figures/...svg) for each",
            )
        for figure, light in zip(block.figures, drawn, strict=True):
            self.check_figure(figure, light, timed=bool(block.timed))

    def drawn(self, look: bool) -> list[str]:
        """Return the figures that a block has left, and close them."""
        if not look or not figures.any_open():
            figures.close()
            return []
        with Limits(memory=not self.settings.cuda):
            return figures.open_figures()

    def check_output(self, block: Block, printed: str) -> None:
        text = block.output.text if block.output else ""
        if same_text(text, printed, exact=self.settings.exact):
            return
        if self.settings.update and (printed or self.page.lab):
            self.update.outputs.append((block, printed))
            return
        line = block.line
        if text:
            differs = block.output.first + _first_difference(text, printed)
            line = min(differs, block.output.last)
        raise MismatchError(
            Place(self.page.path, line),
            f"the page shows\n{_quoted(text)}\n"
            f"but the block prints\n{_quoted(printed)}",
        )

    def check_figure(self, figure: Figure, light: str, *, timed: bool) -> None:
        dark = figures.darken(light, self.dark_colours)
        for path, drawn in ((figure.light, light), (figure.dark, dark)):
            if not path.exists():
                found = "is not recorded yet"
            else:
                recorded = path.read_text(encoding="utf-8")
                found = figure_difference(recorded, drawn, timed=timed)
            if found and self.settings.update:
                self.update.figures[path] = drawn
            elif found:
                raise MismatchError(
                    Place(self.page.path, figure.line), f"{shown(path)}: {found}"
                )

    @property
    def dark_colours(self) -> dict[str, str]:
        light = self.settings.style
        return figures.dark_colours(light, light.with_name("dark.mplstyle"))

    def fault_at_the_end(self, last: Block) -> BlockError | None:
        """Whether something is left running, or the GPU was not really used."""
        place = Place(self.page.path, last.line)
        if left := leftover_threads(self.threads):
            return BlockError(place, f"the page leaves threads running: {left}")
        if left := children.end_new(self.children):
            return BlockError(place, left)
        if not self.settings.cuda or self.page.meta.get("no_cuda"):
            return None
        if device.cuda_allocations() > self.allocated:
            return None
        return BlockError(
            place,
            "the page allocated nothing on the GPU: expected its tensors on "
            "`device`, or `no_cuda: why` in its front matter",
        )


def _first_difference(text: str, printed: str) -> int:
    pairs = zip(text.split("\n"), printed.split("\n"), strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), 0)


def _quoted(text: str) -> str:
    return "\n".join(f"  | {line}" for line in text.rstrip("\n").split("\n"))
