"""What a preview keeps from one build to the next: results, and what made them so."""

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple


class Result(NamedTuple):
    """What was made last, from what, and what was asked on the way."""

    made_of: object
    asked: dict[tuple, object]
    value: Any


class Kept:
    """The last result of each piece of work, by the name of the work."""

    def __init__(self) -> None:
        self.results: dict[Hashable, Result] = {}
        self.made: list[Hashable] = []  # the names of what was made, in order

    def get(
        self,
        name: Hashable,
        made_of: object,
        make: Callable[[Callable], Any],
        answer: Callable | None = None,
    ) -> Any:
        """Return what `make` makes, or made last time if it would make it again.

        `made_of` holds all that it knows when it begins. What it needs to look up later
        it asks of the function that it is given, which answers as `answer` does; its
        result holds for as long as the answers stay the same.
        """
        old = self.results.get(name)
        if (
            old is not None
            and old.made_of == made_of
            and all(answer(*question) == said for question, said in old.asked.items())
        ):
            return old.value
        asked: dict[tuple, object] = {}

        def ask(*question: Hashable) -> Any:
            if question not in asked:
                asked[question] = answer(*question)
            return asked[question]

        self.made.append(name)
        value = make(ask)
        self.results[name] = Result(made_of, asked, value)
        return value

    def forget(self, name: Hashable) -> None:
        """Let a piece of work be done again, whatever it is made of."""
        self.results.pop(name, None)
