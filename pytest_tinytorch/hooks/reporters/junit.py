"""Adds the run's record to pytest's JUnit XML, as properties of the suite.

pytest calls its hooks. Under xdist a property given by a test's fixture is lost, so the controller
adds them itself, just before pytest writes the file.
"""

import contextlib
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from _pytest.junitxml import LogXML, xml_key

from pytest_tinytorch.core.errors import MACHINE, os_error_text
from pytest_tinytorch.hooks.grading import graded_run_of
from pytest_tinytorch.hooks.options import options_of
from pytest_tinytorch.hooks.session import RunSession, session_of
from pytest_tinytorch.reports.junit import evidence, plain_properties, suite_name


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    config = session.config
    xml = config.stash.get(xml_key, None)
    run_session = session_of(config)
    if xml is None:
        return (yield)
    if run_session is not None:
        _complete(config, xml, run_session)
    try:
        return (yield)
    except OSError as error:  # raised by pytest, which writes the file now
        said = f"{os_error_text(error)}; no results are written"
        if run_session is not None:
            run_session.notes.append(said)
        else:  # of a class
            print(f"ERROR: --junitxml: {said}", file=sys.stderr)
        session.exitstatus = MACHINE
        with contextlib.suppress(OSError):  # remove an incomplete file
            Path(xml.logfile).unlink()
        return None


def _complete(config: pytest.Config, xml: LogXML, run_session: RunSession) -> None:
    """Add the record, and name the suite by the student."""
    if (graded := graded_run_of(config)) is not None:
        xml.suite_name = suite_name(graded.record(), options_of(config).groups)
    for name, value in _properties(config, run_session).items():
        xml.add_global_property(name, value)


def _properties(config: pytest.Config, run_session: RunSession) -> dict[str, str]:
    graded = graded_run_of(config)
    if graded is not None:
        return evidence(graded.record(), graded.key)
    return plain_properties(run_session.finish())
