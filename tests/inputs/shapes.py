"""The shapes that a docstring promises, and whether some tensors have them."""

import re

NAME = r"\w+(?:(?:, | and )\w+)*"
SHAPE = r"\((?:(?:\.\.\.|[\w+\-* ]+),? ?)*\)|any"


def promised(text: str) -> dict[str, list[str]]:
    """Return {"X": ["n, d"], "y": ["n,"]} for the line "Shapes: X (n, d), y (n,)".

    A name has several shapes where the line says (d,) or (k, d).
    """
    if "Shapes:" not in text:
        return {}
    text = re.split(r"\n *(?:Units|Raises|Source):", text.split("Shapes:")[-1])[0]
    text = " ".join(text.split())
    found = re.findall(rf"({NAME})\s+({SHAPE})((?: or (?:{SHAPE}))*)", text)
    return {
        name: [part.strip("()") for part in re.findall(SHAPE, first + more)]
        for names, first, more in found
        for name in re.split(r", | and ", names)
    }


def bind(spec: str, shape: tuple[int, ...], sizes: dict[str, int]) -> bool:
    """Return whether a shape is as promised, and learn what the letters stand for."""
    names = [part.strip() for part in spec.split(",") if part.strip()]
    if names == ["any"]:
        return True
    if "..." in names:
        before = names.index("...")
        after = len(names) - before - 1
        names.remove("...")
        if len(shape) < len(names):
            return False
        shape = shape[:before] + shape[len(shape) - after :]
    if len(names) != len(shape):
        return False
    for name, size in zip(names, shape, strict=True):
        if name.isidentifier():
            size = sizes.setdefault(name, size) - size
        else:  # p + 1, say
            letters = set(re.findall(r"[a-z_]\w*", name, re.IGNORECASE))
            size = eval(name, {}, sizes) - size if letters <= set(sizes) else 0
        if size:
            return False
    return True


def fit(
    found: list[tuple[list[str], tuple[int, ...]]], sizes: dict[str, int]
) -> dict[str, int] | None:
    """Return what the letters stand for, or None if some shape is not as promised.

    `found` holds for each tensor what its shape may be, and the shape that it has.
    """
    if not found:
        return sizes
    specs, shape = found[0]
    for spec in specs:
        known = dict(sizes)
        if bind(spec, shape, known):
            known = fit(found[1:], known)
            if known is not None:
                return known
    return None
