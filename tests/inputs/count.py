"""Count the inputs that the tables are tried with: python -m tests.inputs.count --write

The same faults as in the tests, each `TIMES` times, with seeded choices.
"""

import random
import sys
from collections import Counter
from pathlib import Path

import torch
import yaml

from tests.inputs.driver import WORDS, attempt, faults
from tests.inputs.table import CASES, PARTS, RECORDS, WITHOUT_INPUT

RECORD = Path(__file__).parents[2] / "docs/verified/inputs.yml"
TIMES = 3
SHOWN = {  # what a reader is told of the kinds of faults
    "wrong shape": ("shape",),
    "another size": ("size",),
    "empty": ("empty", "none"),
    "wrong dtype or type": ("whole", "half", "mixed", "complex", "point", "type"),
    "other device": ("device",),
    "nan": ("nan",),
    "infinite": ("inf",),
    "huge, tiny or zero": ("huge", "tiny", "zero", "range"),
    "another number or word": ("negative", "fraction", "word"),
}


def tally() -> tuple[Counter, int, int]:
    """Return how often each (kind, word) came, the errors of our own, and surprises."""
    found, own, wrong = Counter(), 0, 0
    for case in CASES:
        pick = random.Random(case.name).randrange
        for path, kind in (1 if case.slow else TIMES) * faults(case):
            outcome = attempt(case, path, kind, pick)
            if outcome:
                found[outcome.kind, outcome.word] += 1
                own += outcome.own
                if outcome.word not in case.must(path[0], outcome.kind):
                    wrong += 1
                    print(case.name, outcome)
    return found, own, wrong


def main() -> None:
    torch.set_num_threads(1)
    found, own, wrong = tally()
    kinds = {}
    for name, parts in SHOWN.items():
        each = {w: sum(found[part, w] for part in parts) for w in WORDS}
        kinds[name] = {word: n for word, n in each.items() if n}
    record = {
        "parts": list(PARTS),
        "functions": len(CASES),
        "records": len(RECORDS),  # named tuples: they hold what they are given
        "without_input": len(WITHOUT_INPUT),
        "inputs": sum(found.values()),
        "against_the_table": wrong,
        "outcomes": {w: sum(n for (_, v), n in found.items() if v == w) for w in WORDS},
        "errors_of_the_teaching_code": own,
        "kinds": kinds,
    }
    text = "# python -m tests.inputs.count --write\n"
    text += yaml.safe_dump(record, sort_keys=False)
    print(text)
    if "--write" in sys.argv:
        RECORD.write_text(text, encoding="utf-8")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
