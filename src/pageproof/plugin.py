"""The pytest plugin: one item a block, named by page and line.

pytest-codeblocks stays the heart: it extracts the blocks, and its collector and its
item are what `PageFile` and `BlockItem` build on.
"""

import gc
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import pytest
from pytest_codeblocks.main import CodeBlock
from pytest_codeblocks.plugin import MarkdownFile, TestBlock

from pageproof import device, limits
from pageproof.alone import Runner
from pageproof.notebook import BlockError
from pageproof.page import Block, PageError, shown
from pageproof.proof import Proof, Settings
from pageproof.reading import Reader
from pageproof.recording import Recording, Results
from pageproof.records import RecordError
from pageproof.verified import FAILED, RAN, RESULTS, SKIPPED, processor

RUN = pytest.StashKey["Run"]()
UPDATED, RECORDED = "pageproof updated", "pageproof recorded"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pageproof")
    group.addoption(
        "--device",
        choices=["cpu", "cuda"],
        default="cpu",
        help="prove the pages on this device: cpu hides the GPUs, cuda demands one",
    )
    group.addoption(
        "--update",
        action="store_true",
        help="rewrite the outputs of pages and labs and the recorded figures",
    )
    group.addoption(
        "--record",
        action="store_true",
        help="write which blocks were run on the device, and what came of it",
    )
    parser.addini("pageproof_verified", "folder of the records of runs", "string")
    parser.addini("pageproof_reference", "packages whose pins mean: exact", "args")
    parser.addini("pageproof_copies", "run copies of blocks alone as well", "bool")
    parser.addini("pageproof_spread", "files whose tests any worker may take", "args")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    gc.disable()  # until collection is done: start-up makes much and frees little
    if early_config.known_args_namespace.device == "cpu":
        device.hide_gpus()  # before any conftest can initialise CUDA


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        # With -n, each process has a core. More threads than cores wait for each
        # other at every operation, and a page can take a hundred times as long.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    if config.option.device == "cuda":
        try:
            device.demand_cuda()
        except device.DeviceError as error:
            raise pytest.UsageError(str(error)) from None
    limits.STDERR = os.dup(2)  # before pytest captures it
    no_cache = "ignore::pytest.PytestCacheWarning"  # in a checkout that is read-only
    config.addinivalue_line("filterwarnings", no_cache)
    config.stash[RUN] = run = Run(config)
    if config.option.update and not run.exact:
        raise pytest.UsageError(
            "--update writes what the reference prints: expected --device cpu and "
            f"the versions of constraints.txt, got {run.described}"
        )
    config.pluginmanager.register(Updates(), "pageproof-updates")
    if config.option.record:
        run.demand_a_record()
        if not hasattr(config, "workerinput"):
            config.pluginmanager.register(Recorder(run), "pageproof-recording")


def pytest_report_header(config: pytest.Config) -> str:
    run = config.stash[RUN]
    how = "equal" if run.exact else "within one unit in the last printed place"
    return f"pageproof: {run.described}; outputs must be {how}"


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object | None:
    """Keep a page in one worker: plain `-n auto` hands out whole files."""
    if config.option.dist != "load":
        return None
    from pageproof.scheduling import Scheduling

    return Scheduling(config, log, config.getini("pageproof_spread"))


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Iterator[None]:
    found = yield  # with --codeblocks, pytest-codeblocks answers for Markdown files
    if parent.config.option.codeblocks and parent.config.stash[RUN].is_lab(file_path):
        return [PageFile.from_parent(parent, path=file_path)]  # and not its module
    return [
        PageFile.from_parent(parent, path=node.path)
        if type(node) is MarkdownFile
        else node
        for node in found
    ]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo) -> Iterator[None]:
    report = yield
    if call.excinfo and isinstance(call.excinfo.value, PageError):
        report.longrepr = str(call.excinfo.value)  # pytest tells a teardown's at length
    return report


class Run:
    """What the pages of a run share."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        pins = config.rootpath / "constraints.txt"
        packages = config.getini("pageproof_reference")
        self.differing = device.differing(pins, packages) if packages else []
        self.exact = config.option.device == "cpu" and not self.differing

    def demand_a_record(self) -> None:
        """Raise UsageError if what this run finds is nothing to be recorded."""
        option = self.config.option
        if not self.config.getini("pageproof_verified"):
            raise pytest.UsageError("--record: expected pageproof_verified to be set")
        if option.update:
            raise pytest.UsageError("--record says what pages do that --update changes")
        if option.device == "cpu" and not self.exact:
            raise pytest.UsageError(
                "--record on a CPU records the reference: expected the versions of "
                f"constraints.txt, got {self.described}"
            )

    @cached_property
    def recording(self) -> Recording | None:
        """The records of what was run, None where none are kept."""
        folder = self.config.getini("pageproof_verified")
        return Recording(self.config.rootpath / folder, self.reader) if folder else None

    def covers(self, path: Path) -> bool:
        """Whether a page is held against the record of what was run on a CPU."""
        option = self.config.option
        other = option.update or option.record or option.device != "cpu"
        return not other and self.recording and self.recording.uri(path) is not None

    def is_lab(self, path: Path) -> bool:
        """Whether a file is a lab: a script in `labs` among a language's pages."""
        if path.suffix != ".py" or path.parent.name != "labs":
            return False
        return path.parent.parent.parent == self.reader.docs

    @property
    def described(self) -> str:
        return ", ".join([f"on {self.config.option.device}", *self.differing])

    @property
    def copies(self) -> bool:
        """Whether the copies of blocks are run: where processes can be forked."""
        plain = self.config.option.device == "cpu" and not self.config.option.update
        return plain and os.name == "posix" and self.config.getini("pageproof_copies")

    @cached_property
    def runner(self) -> Runner:
        runner = Runner(self.config.rootpath / "mkdocs.yml", self.exact)
        self.config.add_cleanup(runner.close)
        return runner

    @cached_property
    def hooks(self) -> "QuietHooks":
        return QuietHooks(self.config)

    @cached_property
    def reader(self) -> Reader:
        return Reader(self.config.rootpath / "mkdocs.yml")

    @cached_property
    def settings(self) -> Settings:
        return Settings(
            cuda=self.config.option.device == "cuda",
            exact=self.exact,
            update=self.config.option.update,
            style=self.reader.docs / "assets/light.mplstyle",
        )


class PageFile(MarkdownFile):
    """A page: set up before the first of its blocks, torn down after the last."""

    proof: Proof | None = None

    def collect(self) -> Iterator[pytest.Item]:
        self.run = self.config.stash[RUN]
        try:
            self.page = self.run.reader.read(self.path)
        except PageError as error:
            name = f"line {error.line}"
            yield UnreadablePage.from_parent(self, name=name, error=error)
            return
        stale = self.page.lab and self.page.lab.stale
        if stale and not self.run.settings.update:
            yield UnreadablePage.from_parent(self, name="record", error=stale)
        for block in self.page.blocks:
            yield BlockItem.from_parent(self, name=f"line {block.line}", block=block)
        if self.run.copies and any(b.language == "python" for b in self.page.blocks):
            yield CopiesItem.from_parent(self, name="copies")
        if self.page.blocks and self.run.covers(self.path):
            yield VerifiedItem.from_parent(self, name="verified")

    @cached_property
    def recorded_as(self) -> tuple[str | None, dict[int, str]]:
        """What records call the page, and each of its blocks by its line."""
        recording = self.run.recording
        return recording.uri(self.path), recording.names(self.page)

    def teardown(self) -> None:
        if self.proof is None:
            return
        for name in self.proof.finish():
            self.last.user_properties.append((UPDATED, name))
        self.proof = None

    def prove(self, item: "BlockItem") -> None:
        if self.proof is None:
            self.proof = Proof(self.page, self.run.settings)
        self.proof.prove(item.block)


class UnreadablePage(pytest.Item):
    """The failure of a page that cannot be read, or of a lab's record."""

    def __init__(self, name: str, parent: PageFile, error: PageError) -> None:
        super().__init__(name, parent)
        self.error = error

    def runtest(self) -> None:
        raise self.error

    def repr_failure(self, excinfo: pytest.ExceptionInfo) -> str:
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.error.line - 1, self.name


class BlockItem(TestBlock):
    """One block of a page."""

    def __init__(self, name: str, parent: PageFile, block: Block) -> None:
        super().__init__(name, parent, CodeBlock(block.code, block.line))
        self.block = block

    @property
    def ihook(self) -> "QuietHooks":
        return self.parent.run.hooks

    def setup(self) -> None:
        self.parent.last = self  # whose report says what was updated
        if self.config.option.record:
            page, names = self.parent.recorded_as
            self.user_properties.append((RECORDED, [page, names[self.block.line]]))
        if reason := self.parent.run.settings.skips(self.block):
            pytest.skip(reason)

    def runtest(self) -> None:
        self.parent.prove(self)

    def repr_failure(self, excinfo: pytest.ExceptionInfo) -> object:
        if isinstance(excinfo.value, BlockError):
            return str(excinfo.value)
        return pytest.Item.repr_failure(self, excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.block.line - 1, self.name


class CopiesItem(pytest.Item):
    """What a reader may copy from a page: each block with those it needs, run alone."""

    def runtest(self) -> None:
        if faults := self.parent.run.runner.faults(self.path):
            raise CopyError("\n".join(faults))

    def repr_failure(self, excinfo: pytest.ExceptionInfo) -> object:
        if isinstance(excinfo.value, CopyError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


class CopyError(Exception):
    """Copies that do not run alone, or print something else than their page shows."""


class VerifiedItem(pytest.Item):
    """That the record of what was run on a CPU names exactly the blocks of a page."""

    def runtest(self) -> None:
        if faults := self.parent.run.recording.faults(self.parent.page):
            again = f"pytest --record {shown(self.path)} writes it"
            raise NotRecordedError("\n".join([*faults, again]))

    def repr_failure(self, excinfo: pytest.ExceptionInfo) -> object:
        if isinstance(excinfo.value, NotRecordedError | RecordError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


class NotRecordedError(Exception):
    """Blocks that the record does not know as they stand."""


class QuietHooks:
    """pytest's hooks for a block, less the capture of logs.

    It visits each of torch's many loggers six times a block, which costs more than
    most blocks do.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.manager = config.pluginmanager
        self.left_out = [self.manager.get_plugin("logging-plugin")]

    def __getattr__(self, name: str) -> object:
        hook = self.manager.subset_hook_caller(name, self.left_out)
        setattr(self, name, hook)
        return hook


class Updates:
    """Lists, at the end of a run, what `--update` has rewritten."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            found = [name for key, name in report.user_properties if key == UPDATED]
            self.names += found

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        if self.names:
            terminalreporter.section(f"pageproof: {len(self.names)} updated")
            for name in self.names:
                terminalreporter.line(name)


class Recorder:
    """Writes, at the end of a run, which blocks were run and what came of it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.results: Results = {}
        self.written: Path | None = None
        self.fault = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for key, of in report.user_properties:
            if key != RECORDED or of[0] is None:
                continue
            page, name = of
            results = self.results.setdefault(page, {})
            if report.failed:
                results[name] = FAILED
            elif report.skipped:
                results[name] = SKIPPED
            elif report.when == "call":
                results[name] = RAN

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not self.results:
            return
        recording, kind = self.run.recording, self.run.config.option.device
        name = processor() if kind == "cpu" else device.demand_cuda()
        try:
            self.written = recording.write(kind, name, self.results)
        except OSError as error:
            self.fault = f"no record was written: {error.strerror}: {error.filename}"
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        found = [result for of in self.results.values() for result in of.values()]
        if self.written:
            said = ", ".join(f"{found.count(result)} {result}" for result in RESULTS)
            terminalreporter.section(f"pageproof: {shown(self.written)}: {said}")
        if self.fault:
            terminalreporter.section(f"pageproof: {self.fault}")
