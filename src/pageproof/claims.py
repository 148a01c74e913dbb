"""The claims that circulate, each with its verdict and the block that shows it.

The list is one file. A claim is held against the page it cites: exactly one block there
must print the evidence, and that block must run.
"""

import html
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pageproof.page import Page
from pageproof.records import Record, as_html

VERDICTS = ("true", "partly", "false")


@dataclass(frozen=True)
class Claim(Record):
    """What is said, whether it holds, and where that is shown."""

    id: str
    claim: str
    verdict: str
    truth: str  # the correct statement
    page: str  # part/stem
    shows: str  # what one block of that page prints
    heard: str = "elsewhere"

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            known = ", ".join(VERDICTS)
            raise self.error(f"{self.id}: verdict {self.verdict!r}: expected {known}")
        if not all((self.claim, self.truth, self.shows)):
            raise self.error(f"{self.id}: a claim needs a statement and its evidence")

    @property
    def anchor(self) -> str:
        return self.id.lower()


def evidence(claim: Claim, page: Page) -> int:
    """Return which block of its page shows a claim; RecordError if none does, or two.

    A block that is skipped, or that runs on a GPU alone, shows nothing here.
    """
    wanted = claim.shows.split()
    found = [
        index
        for index, block in enumerate(page.blocks)
        if block.output and _contains(block.output.text.split(), wanted)
    ]
    if len(found) != 1:
        message = f"{claim.id}: expected one block of {claim.page} that prints"
        raise claim.error(f"{message} {claim.shows!r}, got {len(found)}")
    block = page.blocks[found[0]]
    if block.skip or block.requires:
        raise claim.error(f"{claim.id}: the block that shows it is not run everywhere")
    return found[0]


def _contains(words: list[str], wanted: list[str]) -> bool:
    starts = range(len(words) - len(wanted) + 1)
    return any(words[start : start + len(wanted)] == wanted for start in starts)


def anchors(claims: Iterable[Claim], stem: str, page: Page) -> dict[int, list[str]]:
    """Return the anchors that the blocks of a page need, by the block's index."""
    needed: dict[int, list[str]] = {}
    for claim in claims:
        if claim.page == stem:
            needed.setdefault(evidence(claim, page), []).append(claim.anchor)
    return needed


def claim_list(
    claims: Iterable[Claim], link: Callable[[str], str], words: dict[str, str]
) -> str:
    """Return the claims as HTML; `link` gives the address of a page."""
    return (
        f'<ul class="pp-claims">{"".join(_item(c, link, words) for c in claims)}</ul>'
    )


def _item(claim: Claim, link: Callable[[str], str], words: dict[str, str]) -> str:
    target = html.escape(f"{link(claim.page)}#{claim.anchor}")
    said = f' <span class="pp-heard">{words["notes"]}</span>'
    said *= claim.heard == "notes"
    return (
        f'<li id="{claim.anchor}"><p><a class="pp-claim" href="#{claim.anchor}">'
        f"{claim.id}</a> {words['open']}{as_html(claim.claim)}{words['close']}{said}"
        f"</p>"
        f'<p><strong class="pp-verdict pp-verdict--{claim.verdict}">'
        f"{words[claim.verdict]}</strong> {as_html(claim.truth)}</p>"
        f'<p class="pp-evidence">{words["shown"]} <a href="{target}"><code>'
        f"{html.escape(claim.shows)}</code></a></p></li>"
    )


def claims_as_markdown(
    claims: Iterable[Claim], link: Callable[[str], str], words: dict[str, str]
) -> str:
    """Return the claims as Markdown, for the export of a page."""

    def item(claim: Claim) -> str:
        said = f" {words['notes']}" * (claim.heard == "notes")
        return (
            f"- **{claim.id}** {words['open']}{claim.claim}{words['close']}{said}\n"
            f"  **{words[claim.verdict]}** {claim.truth}\n"
            f"  {words['shown']} [`{claim.shows}`]({link(claim.page)}#{claim.anchor})"
        )

    return "\n".join(map(item, claims))
