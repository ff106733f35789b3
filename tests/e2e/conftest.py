"""What tests of whole stacks share."""

import fcntl
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let one of these tests run at a time: two stacks that start at once may want one port."""
    shared = tmp_path_factory.getbasetemp().parent
    with (shared / "stacks.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
