"""Schedules tests on xdist workers: a file stays on one worker, and a crash fails one test.

xdist calls `pytest_xdist_make_scheduler`. A checkpoint's tests share fixtures, so the tests of a
file, and in a class those of a student, stay on one worker. xdist's own schedule by files gives the
test during which a worker died to the next worker, until no worker is left. Here that test is
finished and the rest of its file continues. In a class the test is given to one more worker,
because the machine may have died.
"""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tinytorch.hooks.options import options_of

if TYPE_CHECKING:
    from xdist.scheduler.protocol import Scheduling


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Keep xdist from copying pytest to other machines.

    They use the same folder, and have the same packages.
    """
    if options_of(config).active:
        nodes = config.pluginmanager.getplugin("dsession").nodemanager
        nodes.roots = [root for root in nodes.roots if root.name not in ("pytest", "_pytest")]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> "Scheduling | None":
    """Use our schedule, unless the user chose one with `--dist`."""
    options = options_of(config)
    if not options.active or config.option.dist != "load":
        return None
    from xdist.scheduler import LoadFileScheduling
    from xdist.workermanage import WorkerController

    is_class = options.batch is not None
    tried_again: set[str] = set()

    class CheckpointScheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist is not typed
        """Assigns whole files to workers, and runs no test more often than it should.

        The cost of a step does not depend on the number of students.
        """

        @cached_property
        def _places(self) -> dict[str, int]:
            return {test: place for place, test in enumerate(self.collection)}

        def _assign_work_unit(self, node: WorkerController) -> None:
            name, unit = self.workqueue.popitem(last=False)
            self.assigned_work[node][name] = unit
            node.send_runtest_some([self._places[test] for test in unit if not unit[test]])

        def mark_test_complete(
            self, node: WorkerController, item_index: int, duration: float = 0
        ) -> None:
            test = self.collection[item_index]
            workload = self.assigned_work[node]
            name = self._split_scope(test)
            workload[name][test] = True
            if all(workload[name].values()):
                del workload[name]  # xdist iterates over this dict after each test
            self._reschedule(node)

        def remove_node(self, node: WorkerController) -> str | None:
            workload = self.assigned_work.pop(node)
            left = [(unit, test) for unit in workload.values() for test in unit if not unit[test]]
            if not left:
                return None
            unit, crashed = left[0]
            again = is_class and crashed not in tried_again
            tried_again.add(crashed)
            unit[crashed] = not again
            self.workqueue |= {k: unit for k, unit in workload.items() if not all(unit.values())}
            for other in self.assigned_work:
                self._reschedule(other)
            return None if again else str(crashed)

    scheduler: Scheduling = CheckpointScheduling(config, log)
    return scheduler


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """If xdist cannot replace a worker that died (its machine is gone), continue with the others.

    xdist itself would end with an internal error."""
    config = session.config
    spread = config.pluginmanager.getplugin("dsession")
    if options_of(config).batch is not None and hasattr(spread, "_clone_node"):
        spread._clone_node = _if_it_answers(config, spread._clone_node)


def _if_it_answers(config: pytest.Config, start: Callable[[Any], object]) -> Callable[[Any], None]:
    def start_or_say(node: Any) -> None:
        try:
            start(node)
        except OSError as error:
            if config.pluginmanager.has_plugin("terminal"):
                message = f"{node.gateway.spec}: {error.strerror}; the other workers continue"
                config.get_terminal_writer().line(message)

    return start_or_say


def is_crash(report: Any) -> bool:
    """Whether xdist made the report, because a worker died."""
    return str(report.when) == "???"
