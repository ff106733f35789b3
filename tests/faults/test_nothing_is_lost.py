"""After any fault Postgres has every chunk that the drivers' PCs committed, once.

The short set of the fault matrix; `make faults` runs the whole one.
"""

from collections.abc import Iterator

import pytest

from tests.faults import matrix
from tests.faults.matrix import Case
from tests.faults.pace import SHORT
from tests.faults.reaper import guarded
from tests.faults.stack import template
from tests.faults.storage import Postgres

# Longer than any wait within a case, so that the case itself names the failure.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """Yield a stopped, migrated Postgres to copy; processes of tests end with the tests."""
    with guarded():
        yield template(tmp_path_factory.mktemp("cluster"))


@pytest.mark.parametrize("case", matrix.SHORT_CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_nothing_is_lost_when(case: Case, cluster: Postgres) -> None:
    outcome = matrix.run(case, SHORT, cluster)
    assert not outcome.problem
