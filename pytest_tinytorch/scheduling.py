"""Which worker runs what, under xdist: a checkpoint stays on one, and a crash costs one test.

A checkpoint's tests share fixtures, so a file stays together. xdist's own schedule by files gives
the test during which a worker died to the next worker as well, until none is left and most of the
file never ran; here that test is done with, and the rest of its file goes on.
"""

from typing import TYPE_CHECKING, Any

import pytest

from pytest_tinytorch.settings import settings_of

if TYPE_CHECKING:
    from xdist.scheduler.protocol import Scheduling


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "Scheduling | None":
    """Called where tests are about to be spread; `--dist` of somebody's own choice stands."""
    if not settings_of(config).active or config.option.dist != "load":
        return None
    from xdist.scheduler import LoadFileScheduling
    from xdist.workermanage import WorkerController

    class CheckpointScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist is not typed
        """Whole files, and no test a second time."""

        def remove_node(self, node: WorkerController) -> str | None:
            workload = self.assigned_work.pop(node)
            left = [(unit, test) for unit in workload.values() for test in unit if not unit[test]]
            if not left:
                return None
            unit, crashed = left[0]
            unit[crashed] = True
            self.workqueue |= {k: unit for k, unit in workload.items() if not all(unit.values())}
            for other in self.assigned_work:
                self._reschedule(other)
            return str(crashed)

    scheduler: Scheduling = CheckpointScheduling(config, log)
    return scheduler
