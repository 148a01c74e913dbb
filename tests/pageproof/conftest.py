"""A small project with one good page, for the machinery's own tests."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent

MKDOCS = """\
site_name: Trial
docs_dir: docs/en
markdown_extensions:
  admonition: {}
  pymdownx.details: {}
  pymdownx.highlight: {}
  pymdownx.tabbed: {alternate_style: true}
  pymdownx.snippets:
    base_path: [!relative $config_dir]
    check_paths: true
    dedent_subsections: true
  pymdownx.superfences: {disable_indented_code_blocks: true}
"""
SETTINGS = """\
[tool.pytest.ini_options]
addopts = "--codeblocks --import-mode=importlib"
filterwarnings = ["error"]
"""


class Project:
    """A folder that is proven in a process of its own."""

    starter: "Starter"  # one for all of them

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "docs/en").mkdir(parents=True)
        (root / "docs/assets").mkdir()
        for name in ("light", "dark"):
            style = ROOT / f"docs/assets/{name}.mplstyle"
            shutil.copy(style, root / "docs/assets")
        (root / "mkdocs.yml").write_text(MKDOCS)
        (root / "pyproject.toml").write_text(SETTINGS)

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")
        return file

    def page(self, text: str, name: str = "page") -> Path:
        return self.write(f"docs/en/part/{name}.md", text)

    def good(self, name: str) -> Path:
        """Write the good page under another name, with what belongs to it."""
        text = (HERE / "good.md.txt").read_text(encoding="utf-8")
        self.write(f"src/{name}.py", (HERE / "good_src.py").read_text(encoding="utf-8"))
        return self.page(text.replace("good", name), name)

    def run(self, *arguments: str, env: dict | None = None) -> "Run":
        """Run pytest there, and return what it said."""
        junit = self.root / "junit.xml"
        status, text = self.starter.run(
            self.root, [f"--junitxml={junit}", *arguments], env
        )
        return Run(status, text, junit)


class Run:
    """What a run said: its exit status, its text, and its failures page by page."""

    def __init__(self, status: int, text: str, junit: Path) -> None:
        self.status, self.text = status, text
        self.failures: dict[str, list[str]] = {}
        self.passed = self.skipped = 0
        if not junit.exists():
            return
        for case in ElementTree.parse(junit).iter("testcase"):
            page = f"{case.get('classname') or ''}.{case.get('name')}"
            bad = [*case.iter("failure"), *case.iter("error")]
            self.skipped += bool(list(case.iter("skipped")))
            self.passed += not len(case)
            for element in bad:
                said = f"{element.get('message')}\n{element.text}"
                self.failures.setdefault(page, []).append(said)

    def said(self, page: str) -> str:
        """All that failed on a page, as it was put."""
        key = page.replace("/", ".")
        found = [
            f for name, f in self.failures.items() if key in name.replace("/", ".")
        ]
        return "\n".join(text for some in found for text in some)


class Starter:
    """Runs pytest in a process of its own, without a second for its imports."""

    def __init__(self, output: Path) -> None:
        self.output = output

    @cached_property
    def process(self) -> subprocess.Popen:
        command = [sys.executable, HERE / "starter.py"]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)

    def run(self, cwd: Path, arguments: list[str], env: dict | None) -> tuple[int, str]:
        """Return the exit status of a run, and all that it printed."""
        asked = {
            "cwd": str(cwd),
            "env": dict(os.environ) if env is None else env,
            "arguments": arguments,
            "output": str(self.output),
        }
        print(json.dumps(asked), file=self.process.stdin, flush=True)
        status = int(self.process.stdout.readline())
        return status, self.output.read_text(encoding="utf-8", errors="replace")

    def close(self) -> None:
        if "process" in vars(self):
            self.process.communicate()


@pytest.fixture(scope="session", autouse=True)
def starter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    output = tmp_path_factory.mktemp("starter") / "output"
    with closing(Starter(output)) as Project.starter:
        yield


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture(scope="module")
def module_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"))
