"""JUnit XML: the run's record among the properties of the suite.

Under xdist a property given by a test's fixture is lost, so the controller adds them itself, just
before pytest writes the file.
"""

import pytest
from _pytest.junitxml import xml_key

from pytest_tinytorch.hooks.grading import graded_run_of
from pytest_tinytorch.hooks.session import ledger_of
from pytest_tinytorch.reports.junit import evidence, plain_properties


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    xml = config.stash.get(xml_key, None)
    ledger = ledger_of(config)
    if xml is None or ledger is None:
        return
    graded = graded_run_of(config)
    if graded is not None:
        properties = evidence(graded.record(), graded.key)
    else:
        properties = plain_properties(ledger.finish())
    for name, value in properties.items():
        xml.add_global_property(name, value)
