"""Which page builds on which: what pages say that they need, checked and reduced."""

from collections.abc import Mapping, Sequence

Needs = Mapping[str, Sequence[str]]  # of each page, in reading order


class NeedsError(Exception):
    """A page whose needs do not hold."""

    def __init__(self, page: str, message: str) -> None:
        super().__init__(message)
        self.page = page


def needs_of(page: str, front_matter: Mapping[str, object]) -> list[str]:
    """Return the pages that a page's front matter says it needs."""
    needs = front_matter.get("needs")
    if not isinstance(needs, list) or not all(isinstance(n, str) for n in needs):
        message = "needs: expected a list of pages, as in [part/stem], or [], got"
        raise NeedsError(page, f"{message} {needs!r}")
    return needs


def ancestors(needs: Needs) -> dict[str, set[str]]:
    """Return of each page all that lies on the way to it.

    Pages need earlier ones alone, so that no page needs itself by way of others.
    """
    above: dict[str, set[str]] = {}
    for page, direct in needs.items():
        for need in direct:
            if need not in needs:
                raise NeedsError(page, f"needs: expected pages of the nav, got {need}")
            if need not in above:
                message = f"needs: expected earlier pages, got {need}"
                raise NeedsError(page, message)
        above[page] = set(direct).union(*(above[need] for need in direct))
    return above


def reduced(needs: Needs) -> dict[str, list[str]]:
    """Return the needs of each page, less those that come along with another one."""
    above = ancestors(needs)
    return {
        page: [n for n in needs if n in direct and not _comes_along(n, direct, above)]
        for page, direct in needs.items()
    }


def _comes_along(
    need: str, direct: Sequence[str], above: Mapping[str, set[str]]
) -> bool:
    return any(need in above[other] for other in direct)
