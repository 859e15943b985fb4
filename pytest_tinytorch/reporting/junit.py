"""JUnit XML: the run's record among the properties of the suite.

Under xdist a property given by a test's fixture is lost, so the controller adds them itself, just
before pytest writes the file.
"""

import json

import pytest
from _pytest.junitxml import xml_key

from pytest_tinytorch.ledger import ledger_of


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    config = session.config
    xml = config.stash.get(xml_key, None)
    ledger = ledger_of(config)
    if xml is None or ledger is None:
        return
    run = ledger.finish()
    xml.add_global_property("course", run.course)
    xml.add_global_property("seed", str(run.seed))
    xml.add_global_property("isolation", "none")
    xml.add_global_property("record", json.dumps(run.to_json(), ensure_ascii=True))
