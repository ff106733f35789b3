"""Fixtures of the tests of whole stacks."""

import fcntl
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run one of these tests at a time: two stacks that start at once may choose the same port."""
    shared = tmp_path_factory.getbasetemp().parent
    with (shared / "stacks.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
