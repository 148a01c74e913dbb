"""No workflow lends more than its work needs, and none lends a stranger anything."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

GITHUB = Path(__file__).parents[1] / ".github"
WORKFLOWS = sorted(path for path in GITHUB.rglob("*") if path.is_file())
EVENTS = {"pull_request", "push", "workflow_call", "workflow_dispatch"}
ON_MAIN = "github.ref == 'refs/heads/main'"
PINNED = re.compile(r"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
APART = re.compile(r"&&|[\n;|`]|\$\(")
PLAIN = {"cd", "gh", "git", "mkdir", "tar", "test"}  # these run no file of a repository


def read(text: str) -> dict:
    """Return a workflow as texts, lists and mappings: `on` is no truth value here."""
    return yaml.load(text, yaml.BaseLoader)


def events(flow: dict) -> set[str]:
    """Return what starts a workflow: one name, several, or several with settings."""
    return {flow["on"]} if isinstance(flow["on"], str) else set(flow["on"])


def writes(job: dict) -> bool:
    lent = job.get("permissions", "all")
    return isinstance(lent, str) or not {"read", "none"} >= set(lent.values())


def only_on_main(flow: dict, name: str) -> bool:
    """Whether a job runs for main alone, by its condition or one of its needs'."""
    job = flow["jobs"][name]
    if "if" in job:
        return job["if"] == ON_MAIN
    needs = job.get("needs", [])
    needs = [needs] if isinstance(needs, str) else needs
    return any(only_on_main(flow, need) for need in needs)


def faults(text: str) -> Iterator[str]:
    """Yield what a workflow may not do: the names of the rules that it breaks."""
    flow = read(text)
    if not events(flow) <= EVENTS:
        yield "events"  # pull_request_target and workflow_run lend to strangers
    if flow.get("permissions") != {}:
        yield "permissions of all jobs"
    if re.search(r"\bsecrets\b", text):
        yield "secrets"
    for line in text.splitlines():
        used = re.search(r"\buses: .*", line)
        local = used and used[0].startswith("uses: ./.github/workflows/")
        image = re.match(r"\s*(container|image):", line)
        if image or (used and not local and not PINNED.fullmatch(used[0])):
            yield "pins"
    for name, job in flow["jobs"].items():
        yield from faults_of(flow, name, job)


def faults_of(flow: dict, name: str, job: dict) -> Iterator[str]:
    steps = job.get("steps", [])
    used = [step.get("uses", "").partition("@")[0] for step in steps]
    commands = [step.get("run", "") for step in steps]
    if not isinstance(job.get("permissions"), dict):
        yield "permissions of a job"
    if not job.get("runs-on", "ubuntu-").startswith("ubuntu-"):
        yield "machines"  # GitHub's own, new for each job
    for step, action in zip(steps, used, strict=True):
        kept = step.get("with", {}).get("persist-credentials")
        if action == "actions/checkout" and kept != "false":
            yield "credentials"
        if "${{" in step.get("run", "") + step.get("with", {}).get("script", ""):
            yield "expressions"  # a title or a branch's name would be run as code
    if writes(job):
        if events(flow) & {"pull_request", "workflow_call"}:
            yield "strangers"
        if not only_on_main(flow, name):
            yield "branches"
        lines = "\n".join(commands).replace("\\\n", " ")
        programs = {part.split()[0] for part in APART.split(lines) if part.strip()}
        foreign = [action for action in used if not re.match("(actions/|$)", action)]
        if foreign or "actions/checkout" in used or "uses" in job or programs - PLAIN:
            yield "code"  # what may write runs none of the repository's


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_breaks_no_rule(path):
    assert path.parent.name == "workflows" and path.suffix == ".yml"
    assert list(faults(path.read_text("utf-8"))) == []


def test_the_workflows_are_read():
    assert {path.name for path in WORKFLOWS} >= {"check.yml", "pages.yml"}
    pages = read((GITHUB / "workflows/pages.yml").read_text("utf-8"))
    assert [job for job in pages["jobs"] if writes(pages["jobs"][job])] == [
        "publish",
        "notebooks",
    ]


GOOD = """
on:
  push:
    branches: [main]
permissions: {}
jobs:
  build:
    runs-on: ubuntu-latest
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@0123456789abcdef0123456789abcdef01234567 # v7.0.0
        with:
          persist-credentials: false
      - run: bash .ci/run
  publish:
    needs: build
    if: github.ref == 'refs/heads/main'
    runs-on: ubuntu-latest
    permissions:
      contents: write
    steps:
      - run: |
          git push --force \\
            origin
        env:
          GH_TOKEN: ${{ github.token }}
"""


def changed(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


BAD = [
    ("events", changed("push:\n    branches: [main]", "pull_request_target:")),
    ("events", changed("on:\n  push:\n    branches: [main]", "on: issue_comment")),
    ("events", changed("push:\n", "workflow_run:\n    workflows: [check]\n  push:\n")),
    ("permissions of all jobs", changed("permissions: {}\n", "")),
    ("permissions of all jobs", changed("permissions: {}", "permissions: read-all")),
    ("secrets", changed("github.token", "secrets.TOKEN")),
    ("secrets", changed("    needs: build", "    needs: build\n    secrets: inherit")),
    ("pins", changed("@0123456789abcdef0123456789abcdef01234567 # v7.0.0", "@v7")),
    ("pins", changed(" # v7.0.0", "")),
    ("pins", changed("bash .ci/run", "x\n      - uses: docker://alpine:3")),
    ("pins", changed("bash .ci/run", "x\n      - uses: ./.github/actions/mine")),
    ("pins", changed("    needs: build", "    container: alpine:3\n    needs: build")),
    ("permissions of a job", changed("    permissions:\n      contents: read\n", "")),
    ("permissions of a job", changed("\n      contents: write", " write-all")),
    ("machines", changed("ubuntu-latest", "self-hosted")),
    ("credentials", changed("persist-credentials: false", "fetch-depth: 1")),
    ("credentials", changed("credentials: false", "credentials: true")),
    ("expressions", changed(".ci/run", ".ci/run ${{ github.event.issue.title }}")),
    ("expressions", changed(".ci/run", ".ci/run ${{ github.head_ref }}")),
    ("strangers", changed("on:\n", "on:\n  pull_request:\n")),
    ("strangers", changed("on:\n", "on:\n  workflow_call:\n")),
    ("branches", changed("    if: github.ref == 'refs/heads/main'\n", "")),
    ("branches", changed("if: github.ref == 'refs/heads/main'", "if: always()")),
    ("code", changed("git push", "python build.py\n          git push")),
    ("code", changed("git push", "cd site && bash publish.sh; git push")),
    ("code", changed("git push", "git push $(bash publish.sh)")),
]


@pytest.mark.parametrize("rule, change", BAD, ids=[rule for rule, _ in BAD])
def test_a_workflow_that_breaks_a_rule_is_caught(rule, change):
    assert list(faults(GOOD)) == []
    assert rule in set(faults(change(GOOD)))


def test_a_job_that_may_write_checks_nothing_out_and_trusts_no_one_else():
    flow = read(GOOD)
    steps = flow["jobs"]["build"]["steps"]
    assert list(faults_of(flow, "publish", flow["jobs"]["publish"])) == []
    other = {"uses": f"someone/pages@{40 * '0'}"}
    for step in (steps[0], other):
        planted = {**flow["jobs"]["publish"], "steps": [step]}
        assert list(faults_of(flow, "publish", planted)) == ["code"]


def test_a_job_that_needs_one_for_main_alone_runs_for_main_alone():
    flow = read(GOOD)
    flow["jobs"]["after"] = {"needs": ["build", "publish"]}
    assert only_on_main(flow, "after")
    flow["jobs"]["after"]["if"] = "always()"
    assert not only_on_main(flow, "after")
    assert not only_on_main(flow, "build")
