"""The record of what was run: exact, stable, and never more than what was seen."""

import os
import re
import shutil
import subprocess
from collections.abc import Container
from pathlib import Path

import pytest

from pageproof.page import shown
from pageproof.reading import Reader
from pageproof.recording import Recording
from pageproof.records import RecordError
from pageproof.verified import processor

ROOT = Path(__file__).parents[2]
SETTINGS = """\
[tool.pytest.ini_options]
addopts = "--codeblocks --import-mode=importlib"
pageproof_verified = "docs/verified"
"""
PAGE = """\
# A page

```python
x = 1
```

```python
from tool.outer import double

y = double(2)
print(y)
```

<!--pytest-codeblocks:expected-output-->
```text
4
```

```python
print(x + 1)
```

<!--pytest-codeblocks:expected-output-->
```text
2
```

<!--pytest.mark.skip(reason="not today")-->
```python
1 / 0
```

```sh
true
```
"""
LINES = {"x": 3, "y": 7, "x + 1": 19, "skipped": 29, "sh": 33}
OUTER = "from tool.inner import two\n\n\ndef double(x):\n    return two() * x\n"
FILES = {
    "src/tool/__init__.py": "",
    "src/tool/outer.py": OUTER,
    "src/tool/inner.py": "def two():\n    return 2\n",
    "conftest.py": "import sys\nsys.path.insert(0, 'src')\n",
    "pyproject.toml": SETTINGS,
}


class Recorded:
    """A project with two pages whose record is written."""

    def __init__(self, project) -> None:
        self.project = project
        self.record = project.root / "docs/verified/cpu.yml"
        for name, text in FILES.items():
            project.write(name, text)
        self.page = project.page(PAGE)
        project.page("# Other\n\n```python\nz = 1\n```\n", "other")
        assert project.run("--record").status == 0
        self.text = self.record.read_text()

    def exchange(self, path: str, old: str, new: str) -> None:
        file = self.project.root / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    @property
    def recording(self) -> Recording:
        root = self.project.root
        return Recording(root / "docs/verified", Reader(root / "mkdocs.yml"))

    def faults(self, name: str = "page") -> list[str]:
        """What the run's item `verified` says, without another run."""
        recording = self.recording
        page = recording.reader.read(self.page.with_stem(name))
        return [fault.split(".md:", 1)[1] for fault in recording.faults(page)]

    def missing(self) -> list[int]:
        """The lines of the page's blocks that the record has no run of."""
        lines = [fault.partition(": ") for fault in self.faults()]
        assert all("has no run of this block" in said for _, _, said in lines)
        return [int(line) for line, _, _ in lines]

    def ran(self, name: str = "page", lines: Container[int] = range(99)) -> None:
        """Record that blocks of a page were run, as a run would that runs them."""
        recording = self.recording
        page = recording.reader.read(self.page.with_stem(name))
        names = recording.names(page)
        found = {block: "ran" for line, block in names.items() if line in lines}
        recording.write("cpu", processor(), {recording.uri(page.path): found})


@pytest.fixture(scope="module")
def template(module_project):
    return Recorded(module_project)


@pytest.fixture
def recorded(template, tmp_path):
    """A copy of the recorded project: a test may change it."""
    copy = object.__new__(Recorded)
    shutil.copytree(template.project.root, tmp_path, dirs_exist_ok=True)
    copy.project = object.__new__(type(template.project))
    copy.project.root = tmp_path
    copy.record = tmp_path / "docs/verified/cpu.yml"
    copy.page = tmp_path / "docs/en/part/page.md"
    copy.text = template.text
    return copy


def test_a_record_says_of_each_block_where_it_was_run_and_what_came_of_it(template):
    head = re.search(r"^  (\w{8}): \{(.*)\}$", template.text, re.MULTILINE)
    assert re.match(r"date: \d{4}-\d\d-\d\d, device: \w+ \w+, Python: 3\.", head[2])
    for package in ("torch", "numpy", "matplotlib"):
        assert re.search(rf"{package}: \d", head[2])
    page = template.text.split("en/part/page.md:\n")[1]
    results = re.findall(rf"^  - [0-9a-f]{{16}} {head[1]} (\w+)$", page, re.MULTILINE)
    assert results == ["ran", "ran", "ran", "skipped", "ran"]
    assert "en/part/other.md" in template.text


def test_a_recorded_page_is_held_against_its_record_and_passes(recorded):
    run = recorded.project.run("-v")
    assert run.status == 0, run.text
    assert "page.md::verified PASSED" in run.text


def test_to_record_again_with_two_processes_changes_nothing(recorded):
    assert recorded.project.run("--record", "-n2").status == 0
    assert recorded.record.read_text() == recorded.text


@pytest.mark.parametrize(
    ("path", "old", "new", "lost"),
    [
        ("docs/en/part/page.md", "x = 1", "x = 2 - 1", ["x", "x + 1", "sh"]),
        ("docs/en/part/page.md", "\n4\n", "\n5\n", ["y", "sh"]),
        ("docs/en/part/page.md", "print(x + 1)", "print(1 + x)", ["x + 1", "sh"]),
        ("docs/en/part/page.md", "not today", "never", ["skipped", "sh"]),
        ("docs/en/part/page.md", "true\n", "true && true\n", ["sh"]),
        ("src/tool/outer.py", "return two()", "return 2", ["y", "sh"]),
        ("src/tool/inner.py", "return 2", "return 1 + 1", ["y", "sh"]),
        ("docs/en/part/page.md", "# A page", "# A good page", []),
        ("src/tool/unused.py", "", "", []),
    ],
)
def test_what_hangs_on_a_change_has_to_be_run_again(recorded, path, old, new, lost):
    """Earlier blocks that it needs, modules and their imports, what it shows."""
    if path.endswith("unused.py"):
        (recorded.project.root / path).write_text("x = 1\n")
    else:
        recorded.exchange(path, old, new)
    assert recorded.missing() == sorted(LINES[name] for name in lost)


def test_a_figure_is_part_of_its_block(recorded):
    drawn = "docs/assets/figures/part/drawn/line.svg"
    recorded.project.write(drawn, "<svg/>")
    recorded.project.write(drawn.replace(".svg", ".dark.svg"), "<svg/>")
    image = "![A line](../assets/figures/part/drawn/line.svg)"
    code = "import matplotlib.pyplot as plt\n\nplt.plot([0, 1])"
    recorded.project.page(f"# D\n\n```python\n{code}\n```\n\n{image}\n", "drawn")
    recorded.ran("drawn")
    assert recorded.faults("drawn") == []
    recorded.exchange(drawn, "/>", "><g/></svg>")
    assert [fault[:3] for fault in recorded.faults("drawn")] == ["3: "]


def test_a_block_that_was_not_run_keeps_its_entry_or_has_none(recorded):
    recorded.exchange("docs/en/part/page.md", "x = 1", "x = 2 - 1")
    line = LINES["x"]
    assert recorded.project.run("--record", f"{recorded.page}::line {line}").status == 0
    assert recorded.missing() == [LINES["x + 1"], LINES["sh"]]


def test_a_block_that_has_gone_is_a_fault_until_it_is_recorded(recorded):
    recorded.exchange("docs/en/part/page.md", "```sh\ntrue\n```\n", "")
    gone = "1: {} has 1 block too many"
    assert recorded.faults() == [gone.format(shown(recorded.record))]
    recorded.ran()
    assert recorded.faults() == []


def test_a_page_that_has_gone_leaves_the_record(recorded):
    (recorded.page.parent / "other.md").unlink()
    recorded.ran()
    assert "other.md" not in recorded.record.read_text()


def test_a_failure_is_recorded_as_one_and_fails_the_next_run_too(recorded):
    recorded.exchange("docs/en/part/page.md", "\n4\n", "\n5\n")
    assert recorded.project.run("--record").status == 1
    assert " failed\n" in recorded.record.read_text()
    run = recorded.project.run("docs/en/part/page.md::verified")
    assert run.status == 1
    fault = "docs/verified/cpu.yml says that this block failed"
    assert f"page.md:{LINES['y']}: {fault}" in run.text
    assert "pytest --record docs/en/part/page.md writes it" in run.text


def test_the_same_result_elsewhere_is_recorded_and_the_older_one_goes(recorded):
    run = re.search(r"^  (\w+): \{", recorded.text, re.MULTILINE)[1]
    older = recorded.text.replace("Python: 3", "Python: 2").replace(run, "older")
    recorded.record.write_text(older)
    recorded.ran()
    text = recorded.record.read_text()
    assert "Python: 2" in text  # of the page that was not run now
    page = text.split("en/part/page.md:\n")[1]
    assert set(re.findall(r"^  - \w+ (\w+)", page, re.MULTILINE)) == {run}


def test_two_records_can_be_merged(recorded, tmp_path):
    """Each of two branches changes and records another page."""
    base, ours = tmp_path / "base.yml", tmp_path / "ours.yml"
    base.write_text(recorded.text)
    recorded.exchange("docs/en/part/page.md", "x = 1", "x = 2 - 1")
    recorded.ran()
    shutil.copy(recorded.record, ours)
    recorded.exchange("docs/en/part/page.md", "x = 2 - 1", "x = 1")
    recorded.record.write_text(recorded.text)
    recorded.exchange("docs/en/part/other.md", "z = 1", "z = 2")
    recorded.ran("other")
    assert ours.read_text() != recorded.record.read_text() != recorded.text
    attributes = (ROOT / ".gitattributes").read_text()
    assert "docs/verified/*.yml merge=union" in attributes
    command = ["git", "merge-file", "--union", ours, base, recorded.record]
    subprocess.run(command, check=True)
    recorded.record.write_text(ours.read_text())
    recorded.exchange("docs/en/part/page.md", "x = 1", "x = 2 - 1")
    assert recorded.faults() == recorded.faults("other") == []


def test_a_record_that_is_broken_is_named_with_its_line(recorded):
    recorded.exchange("docs/verified/cpu.yml", "pages:", "<<<<<<< ours\npages:")
    run = recorded.project.run("docs", "-k", "verified")
    assert run.status == 1
    assert re.search(r"docs/verified/cpu\.yml:\d+: is no record", run.text)
    assert "Traceback" not in run.text


@pytest.mark.parametrize(
    "broken", ["", "runs: {}", "runs: {}\npages: {a: [x]}", "runs: {}\npages: [1]"]
)
def test_what_is_no_record_is_said_to_be_none(recorded, broken):
    recorded.record.write_text(broken)
    with pytest.raises(RecordError, match=r"cpu\.yml:1: is no record"):
        recorded.faults()


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (["--update"], SETTINGS, "--record says what pages do that --update changes"),
        ([], SETTINGS.replace("pageproof_verified", "x_verified"), "to be set"),
        (
            [],
            SETTINGS + 'pageproof_reference = ["numpy"]\n',
            "--record on a CPU records the reference",
        ),
    ],
)
def test_what_cannot_be_recorded_is_one_sentence(recorded, arguments, settings, said):
    recorded.project.write("constraints.txt", "numpy==0.1\n")
    recorded.project.write("pyproject.toml", settings)
    run = recorded.project.run("--record", *arguments)
    assert run.status == 4
    assert said in run.text
    assert recorded.record.read_text() == recorded.text


GPU = """\
import sys
import torch

sys.path.insert(0, "src")
torch.cuda.is_available = lambda: True
torch.cuda.get_device_name = lambda: "NVIDIA H200"
"""


def test_a_gpu_has_a_record_of_its_own_that_is_shown_as_it_is(recorded):
    """The answers of CUDA are simulated: there is none here."""
    recorded.project.write("conftest.py", GPU)
    recorded.exchange("docs/en/part/page.md", "# A", "---\nno_cuda: sums\n---\n# A")
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    page = str(recorded.page)
    run = recorded.project.run("--record", "--device", "cuda", page, env=env)
    assert run.status == 0, run.text
    assert "docs/verified/cuda.yml: 4 ran, 1 skipped, 0 failed" in run.text
    text = (recorded.project.root / "docs/verified/cuda.yml").read_text()
    assert "device: NVIDIA H200" in text
    assert "other.md" not in text
    assert recorded.record.read_text() == recorded.text
    cpu = recorded.text.split("en/part/page.md:\n")[1].split()[1::4]
    assert text.split("en/part/page.md:\n")[1].split()[1::4] == cpu
