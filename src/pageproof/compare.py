"""Compare what a page shows with what a run made: printed text, and figures.

On the reference device text must be equal. Elsewhere a number may differ by one unit
in its last printed place, and a tensor's device suffix is left out: nothing else.

Figures are compared as drawings: the same elements with the same attributes and text
in the same order, lengths within `POINTS`, pixels of embedded images within `LEVELS`
of 255 on average. So another processor's last digit passes and a moved curve does not.
In a figure of times alone, `timed`, what is drawn may lie elsewhere at each run.
"""

import base64
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from math import inf
from xml.etree import ElementTree

POINTS = 0.1  # 1/720 inch: a hair's breadth on paper
LEVELS = 2.0  # mean difference of grey levels
WHERE = {"d", "x", "y", "transform"}  # the attributes that say where something lies

DEVICE = re.compile(r",\s*device='[a-z]+(?::\d+)?'")
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])")
LENGTH = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
ID = re.compile(r"\b(?:[mp]|image|C[0-9a-f]+_[0-9a-f]+_)[0-9a-f]{10}\b")
PNG = re.compile(r"data:image/png;base64,\s*(.*)", re.DOTALL)


def same_text(shown: str, printed: str, *, exact: bool = True) -> bool:
    """Whether a block printed what its page shows."""
    if shown == printed or exact:
        return shown == printed
    shown, printed = DEVICE.sub("", shown), DEVICE.sub("", printed)
    if NUMBER.sub("0", shown) != NUMBER.sub("0", printed):
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(printed), strict=True)
    return all(_close(a, b) for a, b in pairs)


def _close(shown: str, printed: str) -> bool:
    """Whether two numbers, printed alike, differ by one unit in the last place."""
    if _form(shown) != _form(printed):
        return False
    a, b = Decimal(shown), Decimal(printed)
    last = max(a.as_tuple().exponent, b.as_tuple().exponent)
    return abs(a - b) <= Decimal(1).scaleb(last)


def _form(number: str) -> tuple[int, bool]:
    """How many decimals are printed, and whether there is an exponent."""
    mantissa, exponent, _ = number.lower().partition("e")
    return len(mantissa.partition(".")[2]), bool(exponent)


def figure_difference(recorded: str, drawn: str, *, timed: bool = False) -> str | None:
    """Return where two SVG drawings first differ, or None if they are the same.

    Of two `timed` ones the places may differ, and nothing else: the same words, the
    same colours, the same elements with the same number of points.
    """
    try:
        old, new = ElementTree.fromstring(recorded), ElementTree.fromstring(drawn)
    except ElementTree.ParseError as error:
        return f"the recorded figure is not an SVG: {error}"
    names: tuple[dict, dict] = {}, {}
    for a, b in _paired(old, new):
        if a is None or b is None:
            return f"{_name(b if a is None else a)} {'added' if a is None else 'gone'}"
        if found := _element_difference(a, b, names, timed):
            return f"<{_name(a)}>: {found}"
    return None


def _paired(old: ElementTree.Element, new: ElementTree.Element) -> Iterator[tuple]:
    """Both trees in step, in document order; None where one has no partner."""
    yield old, new
    for i in range(max(len(old), len(new))):
        if i >= len(old) or i >= len(new):
            yield (old[i] if i < len(old) else None), (new[i] if i < len(new) else None)
            return
        yield from _paired(old[i], new[i])


def _element_difference(
    a: ElementTree.Element,
    b: ElementTree.Element,
    names: tuple[dict, dict],
    timed: bool,
) -> str | None:
    if a.tag != b.tag:
        return f"is now <{_name(b)}>"
    if (a.text or "").strip() != (b.text or "").strip():
        return f"{(a.text or '').strip()!r} is now {(b.text or '').strip()!r}"
    if a.keys() != b.keys():
        return f"attributes {sorted(a.keys())} are now {sorted(b.keys())}"
    for key in a.keys():  # noqa: SIM118, an Element is not a mapping
        old, new = _renamed(a.get(key), names[0]), _renamed(b.get(key), names[1])
        if not _same_value(old, new, inf if timed and key in WHERE else POINTS):
            return f"{_name(key)} {_short(old)} is now {_short(new)}"
    return None


def _renamed(value: str, names: dict[str, str]) -> str:
    """Number matplotlib's hashed ids, and references to them, in order of use."""
    return ID.sub(lambda m: names.setdefault(m[0], f"id{len(names)}"), value)


def _same_value(old: str, new: str, points: float) -> bool:
    if old == new:
        return True
    if (a := PNG.match(old)) and (b := PNG.match(new)):
        return _same_pixels(a[1], b[1])
    if LENGTH.sub("0", old) != LENGTH.sub("0", new) or "#" in old:
        return False
    pairs = zip(LENGTH.findall(old), LENGTH.findall(new), strict=True)
    return all(abs(float(a) - float(b)) <= points for a, b in pairs)


def _same_pixels(old: str, new: str) -> bool:
    import numpy as np
    from PIL import Image

    a, b = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGBA"))
        for text in (old, new)
    )
    return a.shape == b.shape and np.abs(a.astype(float) - b).mean() <= LEVELS


def _name(tag: object) -> str:
    return str(getattr(tag, "tag", tag)).rpartition("}")[2]


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "..."
