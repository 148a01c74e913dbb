"""Hand out tests to the workers of pytest-xdist: whole files, and each of them once."""

from collections.abc import Sequence

import pytest
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController


class Scheduling(LoadFileScheduling):
    """A page stays in one worker; what ends its worker is not begun again.

    xdist would begin it again in each worker that takes its place. On a page each block
    runs those above it, so what is below the block that ended the worker fails, too.
    """

    def __init__(self, config: pytest.Config, log: object, spread: Sequence[str]):
        super().__init__(config, log)
        self.spread = tuple(f"{name}::" for name in spread)

    def _split_scope(self, nodeid: str) -> str:
        """What goes to one worker together: a file, or a test of those to be spread."""
        return (
            nodeid if nodeid.startswith(self.spread) else super()._split_scope(nodeid)
        )

    def remove_node(self, node: WorkerController) -> str | None:
        """Take back what a worker that ended has not run; return what it ran then."""
        work = self.assigned_work.pop(node)
        left = [
            name for unit in work.values() for name, done in unit.items() if not done
        ]
        if not left:
            return None
        crashed, scope = left[0], self._split_scope(left[0])
        work[scope][crashed] = True
        if "::line " in crashed:
            for name in [name for name, done in work[scope].items() if not done]:
                work[scope][name] = True
                self.tell(node, name, f"not reached: {crashed} ended its worker")
        self.workqueue.update(
            {scope: unit for scope, unit in work.items() if not all(unit.values())}
        )
        for other in self.assigned_work:
            self._reschedule(other)
        return crashed

    def tell(self, node: WorkerController, name: str, why: str) -> None:
        """Report a test as failed that no worker runs."""
        path = name.partition("::")[0]
        report = pytest.TestReport(
            nodeid=name,
            location=(path, None, path),
            keywords={},
            outcome="failed",
            longrepr=why,
            when="call",
        )
        report.node = node
        self.config.hook.pytest_runtest_logreport(report=report)
