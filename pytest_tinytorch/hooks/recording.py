"""Turns each phase of a test into a plain dict on its report, where the test runs.

pytest calls `pytest_runtest_makereport`. The dict crosses from an xdist worker to the controller,
which has neither the item nor the exception. It holds JSON types only: anything else is an internal
error under xdist.
"""

import inspect
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pytest_tinytorch.core.aggregate import listed
from pytest_tinytorch.core.course import Course
from pytest_tinytorch.core.errors import nearest
from pytest_tinytorch.core.groups import Kind
from pytest_tinytorch.core.records import Outcome, Reason, TestRecord
from pytest_tinytorch.core.text import shortened, steady
from pytest_tinytorch.core.visibility import VISIBILITIES, default_visibility
from pytest_tinytorch.diagnosis.call_trace import CallTrace
from pytest_tinytorch.diagnosis.explain import Diagnosis, diagnose
from pytest_tinytorch.diagnosis.sources import StudentSources
from pytest_tinytorch.hooks.isolation import PRINTED, pool_of
from pytest_tinytorch.hooks.options import course_of, manifest_of, options_of
from pytest_tinytorch.hooks.selection import group_key, group_of, id_key

_MOST_PRINTED, _LONGEST_PRINTED = 5, 1000  # lines and characters of output
RECORD = "tinytorch"  # the attribute of a report

_sources_key = pytest.StashKey[StudentSources]()
_trace_key = pytest.StashKey[CallTrace]()
_running_key = pytest.StashKey[bool]()
_failed_key = pytest.StashKey[TestRecord]()  # the record of a failed subtest
measured_key = pytest.StashKey[str]()  # the text passed to the fixture `measured`


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if id_key in item.stash and (mistake := marker_mistake(item)):
        pytest.fail(f"{item.name}: {mistake}", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Explain why a source cannot be imported: a syntax error, a missing package.

    An exit during the import of a file is an error of this file only.
    """
    error: BaseException | None = None
    try:
        report = yield
    except SystemExit as exit_:
        if not options_of(collector.config).active:
            raise
        error = exit_
        message = f"sys.exit({exit_.code!r}) is called when the file is imported; take it out"
        report = pytest.CollectReport(collector.nodeid, "failed", message, [])
    else:
        call = getattr(report, "call", None)
        if report.failed and call is not None and call.excinfo is not None:
            error = call.excinfo.value.__cause__ or call.excinfo.value
    if error is not None and (record := _unread(collector, error)) is not None:
        setattr(report, RECORD, record.to_json())
    return report


def _unread(collector: pytest.Collector, error: BaseException) -> TestRecord | None:
    """The record of a source of a module that cannot be imported; None for other files."""
    config = collector.config
    options = options_of(config)
    group = group_of(course_of(config), collector.nodeid) if options.modules else None
    if group is None or group.kind is not Kind.MODULE:
        return None
    found = diagnose(error, sources_of(config), None)
    return TestRecord(
        id=group.test_id("import"),
        title=f"{collector.path.name} can be imported",
        outcome=Outcome.ERROR,
        reason=found.reason,
        message=found.message,
        locations=found.locations,
    )


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    if id_key not in pyfuncitem.stash:
        return (yield)
    written = _test_function(pyfuncitem)
    trace = _trace(pyfuncitem.config, inspect.unwrap(written).__code__.co_filename)
    pyfuncitem.stash[_trace_key] = trace
    with _running(pyfuncitem):
        return (yield from _traced(pyfuncitem, trace, written))


@contextmanager
def _running(item: pytest.Item) -> Iterator[None]:
    """Mark that the test function runs. A report made meanwhile is about a subtest."""
    item.stash[_running_key] = True
    if _failed_key in item.stash:
        del item.stash[_failed_key]  # of the student graded before
    try:
        yield
    finally:
        item.stash[_running_key] = False


def _traced(
    pyfuncitem: pytest.Function, trace: CallTrace, written: Any
) -> Generator[None, object, object]:
    hypothesis = getattr(pyfuncitem.obj, "hypothesis", None)
    if hypothesis is None:
        with trace:
            return (yield)
    hypothesis.inner_test = trace.from_first_failure(written)
    try:
        return (yield)
    finally:
        hypothesis.inner_test = written


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    if id_key not in item.stash:
        return (yield)
    # A graded file is valid by pytest's schema, which allows properties of suites only. There,
    # the record says all this and more.
    adds = not options_of(item.config).grade
    if call.when == "setup" and adds:
        _add_properties(item)
    report = yield
    record = _phase(item, call, report)
    if item.stash.get(_running_key, False):  # a subtest, as its test has not ended
        return _of_subtest(item, report, record)
    if call.when == "call":
        record = item.stash.get(_failed_key, record)
    if call.when == "call" and adds:
        points = _worth(item, record) if record.passed else 0.0
        item.user_properties.append(("points", f"{points:g}"))
        if record.measured:
            item.user_properties.append(("measured", record.measured))
    setattr(report, RECORD, record.to_json())
    return report


def _of_subtest(
    item: pytest.Item, report: pytest.TestReport, record: TestRecord
) -> pytest.TestReport:
    """Store the first failed subtest of a test: it decides the test's result."""
    if not record.passed:
        item.stash.setdefault(_failed_key, record)
        if options_of(item.config).batch:  # a failed subtest is not a failure of the grading
            report.outcome, report.longrepr = "passed", None
    setattr(report, RECORD, record.to_json())
    return report


def facts(item: pytest.Item) -> TestRecord:
    """The facts about a test before it runs: name, docstring and marks."""
    group = item.stash[group_key]
    return TestRecord(
        id=item.stash[id_key],
        title=_title(item),
        outcome=Outcome.PASSED,
        hint=str(_mark(item, "hint", "")),
        max_points=_points(item),
        visibility=str(_mark(item, "visibility", default_visibility(group))),
        depends=tuple(group.test_id(name) for name in _depends(item)),
    )


def marker_mistake(item: pytest.Item) -> str:
    """Return the mistake in a test's marks, in one line; "" if there is none."""
    points = _mark(item, "points", 0)
    if type(points) not in (int, float) or points < 0:
        return f"points({points!r}): write a number of at least 0"
    visibility = _mark(item, "visibility", "visible")
    if visibility not in VISIBILITIES:
        return f"visibility({visibility!r}): valid are {', '.join(VISIBILITIES)}"
    hint = _mark(item, "hint", "")
    if not isinstance(hint, str):
        return f"hint({hint!r}): write a string"
    names = {name for name in vars(getattr(item, "module", None) or item) if name[:5] == "test_"}
    for name in _depends(item):
        if name.partition("[")[0] not in names:
            return f"depends(on={name!r}): no such test in this file{nearest(name, names)}"
    return ""


def _phase(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> TestRecord:
    record = facts(item)
    measured = item.stash.get(measured_key, "")
    values = {**record.__dict__, "seconds": report.duration, "measured": measured}
    if report.skipped:
        values |= {"outcome": Outcome.SKIPPED, "message": _skip_message(report)}
    elif hasattr(report, "wasxfail"):
        values |= {"outcome": Outcome.SKIPPED, "message": f"expected to fail: {report.wasxfail}"}
    elif report.failed and call.excinfo is not None:
        found = _diagnosis(item, call.excinfo.value)
        values |= {
            "outcome": Outcome.FAILED if call.when == "call" else Outcome.ERROR,
            "reason": found.reason,
            "message": found.message,
            "locations": found.locations,
            "example": found.example,
            "printed": "" if options_of(item.config).grade else _printed(report),
            "hint": "" if found.is_complete else record.hint,
            "waits_for": _other_checkpoint(item, found),
        }
    elif report.failed:
        message = str(report.longrepr or "failed without an exception")
        values |= {"outcome": Outcome.ERROR, "reason": Reason.HARNESS, "message": message}
    if options_of(item.config).grade:
        values["message"] = steady(values["message"])
    return TestRecord(**values)


def _printed(report: pytest.TestReport) -> str:
    """The last lines that were printed while the test ran."""
    outputs = ("Captured stdout", f"Captured {PRINTED}")
    text = "\n".join(text for name, text in report.sections if name.startswith(outputs))
    lines = [line for line in text.splitlines() if line.strip()]
    return shortened("\n".join(lines[-_MOST_PRINTED:]), _LONGEST_PRINTED)


def _diagnosis(item: pytest.Item, error: BaseException) -> Diagnosis:
    trace = item.stash.get(_trace_key, None)
    return diagnose(error, sources_of(item.config), trace, _inputs(item))


def _other_checkpoint(item: pytest.Item, found: Diagnosis) -> str:
    """The checkpoint to fix first, if a test failed in the code of another module.

    Not for a wrong value: the test's own module may have passed a wrong argument.
    """
    course = course_of(item.config)
    collection = course.collection_of(item.stash[group_key])
    if collection is None or found.reason is Reason.WRONG or not found.locations:
        return ""
    for module in course.needs_of(collection):
        other = course.checkpoint_of(module)
        if other is not None and course.source_name(module) == found.locations[0].file:
            return other.id
    return ""


def _trace(config: pytest.Config, test_file: str) -> CallTrace:
    pool = pool_of(config)
    if pool is None:
        return CallTrace(sources_of(config), test_file)
    from pytest_tinytorch.diagnosis.remote_trace import RemoteTrace

    return RemoteTrace(pool, sources_of(config), test_file)


def follow_sources(config: pytest.Config, course: Course) -> None:
    """From here on, look up lines of student code in the course's sources in another tree."""
    config.stash[_sources_key] = _sources_in(course, graded=True)


def sources_of(config: pytest.Config) -> StudentSources:
    if _sources_key not in config.stash:
        graded = options_of(config).grade
        config.stash[_sources_key] = _sources_in(course_of(config), graded)
    return config.stash[_sources_key]


def _sources_in(course: Course, graded: bool) -> StudentSources:
    if not graded:
        return StudentSources(course)
    from pytest_tinytorch.isolation.bounded import SECONDS_OF_OUTLINES, Bounded

    bounded = Bounded(SECONDS_OF_OUTLINES)
    return StudentSources(course, bounded.functions, bounded.effects)


def _add_properties(item: pytest.Item) -> None:
    """Add the facts as `<properties>` of the test case in JUnit XML."""
    record = facts(item)
    seed = options_of(item.config).seed
    item.user_properties += [
        ("id", record.id),
        (record.group.about.kind.value, record.group.id),
        ("max_points", f"{_worth(item, record):g}"),
        ("hint", record.hint),
        ("visibility", record.visibility),
        ("seed", str(seed)),
    ]


def _worth(item: pytest.Item, record: TestRecord) -> float:
    """The points of a test as its record will have them: those of the manifest."""
    return next((test.max_points for test in listed([record], manifest_of(item.config))), 0.0)


def _title(item: pytest.Item) -> str:
    function = _test_function(item)
    name = item.name.partition("[")[0].removeprefix("test_").removeprefix("unit_")
    doc = inspect.getdoc(function) or name.replace("_", " ")
    title = " ".join(doc.split("\n\n")[0].split()).removesuffix(".")
    callspec = getattr(item, "callspec", None)
    return f"{title} [{callspec.id}]" if callspec else title


def _test_function(item: pytest.Item) -> Any:
    function = getattr(item, "obj", None)
    # Hypothesis wraps the test function.
    return getattr(getattr(function, "hypothesis", None), "inner_test", function)


def _inputs(item: pytest.Item) -> set[str]:
    """The arguments of a property test that are drawn or parametrized, without fixtures."""
    function = getattr(item, "obj", None)
    if not hasattr(function, "hypothesis"):
        return set()
    # Hypothesis removes drawn arguments from the signature, where pytest looks for fixtures.
    drawn = _parameters(_test_function(item)) - _parameters(function)
    return drawn | set(getattr(getattr(item, "callspec", None), "params", ()))


def _parameters(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters)


def _mark(item: pytest.Item, name: str, default: Any) -> Any:
    marker = item.get_closest_marker(name)
    return marker.args[0] if marker and marker.args else default


def _points(item: pytest.Item) -> float:
    points = _mark(item, "points", 0)
    return points if type(points) in (int, float) else 0


def _depends(item: pytest.Item) -> list[str]:
    marker = item.get_closest_marker("depends")
    if marker is None:
        return []
    on = marker.kwargs.get("on", marker.args[0] if marker.args else [])
    return [on] if isinstance(on, str) else list(on)


def _skip_message(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return f"expected to fail: {report.wasxfail}"
    reason = report.longrepr
    return str(reason[2]) if isinstance(reason, tuple) else str(reason)
