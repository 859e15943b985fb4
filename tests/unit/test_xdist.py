"""Which worker runs what: whole students, a crash once more, and steps that cost the same."""

from types import SimpleNamespace

import pytest

from pytest_tinytorch.hooks.options import Batch, Options, _options_key
from pytest_tinytorch.hooks.xdist import pytest_xdist_make_scheduler

CHECKPOINTS = ("00", "01", "02")


class Worker:
    """What the schedule sees of one: it does what it is told, in order."""

    gateway = SimpleNamespace(id="gw")

    def __init__(self):
        self.told: list[int] = []
        self.done = 0
        self.shutting_down = False

    def send_runtest_some(self, places):
        self.told += places

    def shutdown(self):
        self.shutting_down = True


@pytest.fixture
def spread(tmp_path, course):
    """A function: number of students -> the schedule, its workers, and the tests."""

    def make(students: int):
        options = SimpleNamespace(dist="load", loadscopereorder=False, tx=["popen", "popen"])
        config = SimpleNamespace(option=options, stash=pytest.Stash(), getvalue=vars(options).get)
        batch = Batch(tmp_path, tmp_path, False)
        config.stash[_options_key] = Options(course.checkpoints, (), 0, True, batch=batch)
        schedule = pytest_xdist_make_scheduler(config, None)
        tests = [f"student {n}::{name}" for n in range(students) for name in CHECKPOINTS]
        workers = [Worker(), Worker()]
        for worker in workers:
            schedule.add_node(worker)
        for worker in workers:
            schedule.add_node_collection(worker, tests)
        schedule.schedule()
        return schedule, workers, tests

    return make


def one_step(schedule, worker) -> None:
    schedule.mark_test_complete(worker, worker.told[worker.done])
    worker.done += 1


def test_each_test_runs_once_and_a_student_stays_on_one_worker(spread):
    schedule, workers, tests = spread(9)
    while not all(worker.shutting_down for worker in workers):
        one_step(schedule, min(workers, key=lambda worker: worker.done))
    ran = [[tests[place] for place in worker.told] for worker in workers]
    assert sorted(ran[0] + ran[1]) == sorted(tests)
    students = [{test.split("::")[0] for test in mine} for mine in ran]
    assert not students[0] & students[1]
    assert all(len(mine) > 9 for mine in ran)


def test_who_is_done_with_is_not_looked_at_again(spread):
    """Otherwise the cost of a class grows with its square."""
    schedule, workers, _ = spread(200)
    for _ in range(250):
        one_step(schedule, workers[0])
        assert len(schedule.assigned_work[workers[0]]) <= 3


def test_a_worker_that_dies_leaves_what_it_had_not_done(spread):
    schedule, workers, tests = spread(9)
    for _ in range(4):
        one_step(schedule, workers[0])
    crashed = tests[workers[0].told[workers[0].done]]
    assert schedule.remove_node(workers[0]) is None  # it is tried once more
    while not workers[1].shutting_down:
        one_step(schedule, workers[1])
    ran = [tests[place] for place in workers[1].told]
    assert crashed in ran
    assert sorted([*ran, *(tests[place] for place in workers[0].told[:4])]) == sorted(tests)


def test_a_test_that_ends_two_workers_is_done_with(spread):
    schedule, workers, tests = spread(1)
    # One student: the second worker has nothing to do, and is sent home.
    worker = next(worker for worker in workers if worker.told)
    assert schedule.remove_node(worker) is None
    third = Worker()
    schedule.add_node(third)
    schedule.add_node_collection(third, tests)
    schedule.schedule()
    assert third.told == [0, 1, 2]
    assert schedule.remove_node(third) == tests[0]
