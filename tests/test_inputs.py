"""Each public function, given bad input: a clear error or a right answer.

Which of them is said by the tables in tests/inputs, one for each part. To try more:
`INPUTS=1000 pytest tests/test_inputs.py`.
"""

import ast
import os
import random

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.inputs.driver import SRC, attempt, case, faults
from tests.inputs.table import CASES, PARTS, RECORDS, WITHOUT_INPUT

EXAMPLES = int(os.environ.get("INPUTS", "8"))
MANY = EXAMPLES >= 100
ROUNDS = 40 if MANY else 2
IDS = [case.name for case in CASES]


def public() -> set[str]:
    """The public functions and classes of the parts: "regression.closed_form.gram"."""
    found = set()
    for path in (path for part in PARTS for path in (SRC / part).glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(f"{path.parent.name}.{path.stem}.{node.name}")
    return {name for name in found if "._" not in name}


def test_each_public_function_is_in_the_table_once():
    listed = [*IDS, *RECORDS, *WITHOUT_INPUT]
    assert sorted(listed) == sorted(public())


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_each_way_to_spoil_an_argument_ends_as_the_table_says(case):
    pick, wrong, seen = random.Random(case.name).randrange, [], {}
    for path, kind in (1 if case.slow else ROUNDS) * faults(case):
        outcome = attempt(case, path, kind, pick)
        if outcome:
            place = case.line(path[0], outcome.kind)
            seen.setdefault(place, set()).add(outcome.word)
            if outcome.word not in case.must(path[0], outcome.kind):
                wrong.append(f"{outcome.kind} {outcome.word}: {outcome.detail}")
    assert not wrong, "\n".join(wrong)
    if MANY:  # enough to see each word of each line
        said = {place: set(words.split()) for place, words in case.says.items()}
        assert {place: seen.get(place) for place in said} == said


@pytest.mark.parametrize("case", CASES, ids=IDS)
@settings(
    max_examples=EXAMPLES,
    derandomize=not MANY,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_bad_input_ends_in_a_clear_error_or_a_right_answer(case, data):
    path, kind = data.draw(st.sampled_from(faults(case)), "what is spoilt, and how")
    outcome = attempt(case, path, kind, lambda n: data.draw(st.integers(0, n - 1)))
    if outcome:
        words = case.must(path[0], outcome.kind)
        assert outcome.word in words, f"{outcome.kind}: {outcome.detail}"


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        (
            lambda x, y: (x - x.mean()) / x.std(),
            "SILENT NAN",
        ),  # 0 / 0 for equal numbers
        (lambda x, y: x - y, "OTHER NUMBERS"),  # (n,) and (n, 1) make (n, n)
        (lambda x, y: x.double().sum() + y.double().sum(), "IMAGINARY PARTS LOST"),
        (lambda x, y: x.mul_(2) @ y, "spent"),  # changes x, then may refuse y
        (lambda x, y: {}[len(x) + len(y) - 14] if len(x) - 7 else y, "crash"),
        (lambda x, y: (x * x).sum().sqrt() / y.abs().max(), "INF"),
    ],
)
def test_a_planted_fault_is_caught(planted, found):
    x = torch.tensor([1.0, 4, -2, 3, 5, 2, -1])
    tried = case(
        torch.dot, call_=planted, shapes_="x (n,), y (n,)", x=x, y=x.flip(0), near_=1
    )
    pick = random.Random(0).randrange
    outcomes = [attempt(tried, path, kind, pick) for path, kind in 20 * faults(tried)]
    assert any(o.word.startswith(found) for o in outcomes if o)
