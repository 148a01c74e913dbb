"""What names stand for while code is read: values, and what calls do to them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

NEVER = -1  # the place of what no block has made


@dataclass(eq=False)
class Value:
    """What a name stands for: made in one block, and perhaps changed in others."""

    block: int
    holds: set["Value"] = field(default_factory=set)  # or shares memory with
    inputs: set["Value"] = field(default_factory=set)  # what it was computed from
    late: set[str] = field(default_factory=set)  # names it reads whenever it is used
    calls: "Call | None" = None
    methods: dict[str, "Call"] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    graded: set[int] = field(default_factory=set)  # blocks that changed its gradients
    module: bool = False
    container: bool = False  # changing what is in it does not change what it holds
    used_up: bool = False  # by being read: an iterator, a generator of numbers
    draws: bool = False  # from torch's own generator, when it is used
    leaf: bool = False  # may have a gradient of its own

    def reach(self) -> set["Value"]:
        return closure({self}, lambda value: value.holds)

    def same(self) -> set["Value"]:
        """What may be the same object: a container holds others, the rest do."""
        return closure({self}, lambda value: () if value.container else value.holds)

    def outside(self) -> list[set[str]]:
        """The names that it reads, holds or changes where it was made."""
        calls = [call for call in (self.calls, *self.methods.values()) if call]
        held = [names for c in calls for names in (c.holds_outside, c.changes_outside)]
        return [self.late, *held]

    def graph(self) -> set["Value"]:
        return closure({self}, lambda value: value.holds | value.inputs)


@dataclass
class Call:
    """What a call of a function of the page does, by the names of its parameters."""

    parameters: list[str]
    changes: set[str] = field(default_factory=set)
    grades: set[str] = field(default_factory=set)
    uses_up: set[str] = field(default_factory=set)
    holds: set[str] = field(default_factory=set)  # what its result may hold
    holds_outside: set[str] = field(default_factory=set)  # names of the page
    changes_outside: set[str] = field(default_factory=set)
    grades_outside: bool = False
    gradients: bool = False
    draws: bool = False
    seeds: bool = False
    yields: bool = False
    leaf: bool = False  # its result may have a gradient of its own


@dataclass
class Result:
    """What an expression comes to: the values it may hold, those it was made from."""

    holds: set[Value] = field(default_factory=set)
    inputs: set[Value] = field(default_factory=set)
    used_up: bool = False
    draws: bool = False
    leaf: bool = False
    container: bool = False

    def __or__(self, other: "Result") -> "Result":
        return Result(
            self.holds | other.holds,
            self.inputs | other.inputs,
            leaf=self.leaf or other.leaf,
        )


def closure(start: set[Value], step: Callable[[Value], Iterable[Value]]) -> set[Value]:
    seen, todo = set(start), list(start)
    while todo:
        new = set(step(todo.pop())) - seen
        seen |= new
        todo += new
    return seen


def touches_gradients(value: Value) -> bool:
    """Whether using a value may read or change gradients."""
    calls = (c for one in value.reach() for c in (one.calls, *one.methods.values()))
    return any(call is not None and call.gradients for call in calls)
