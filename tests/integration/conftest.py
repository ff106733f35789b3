"""What every integration test has."""

import pytest


@pytest.fixture(autouse=True)
def unsealed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave chunks in their rows, which tests look at: after a minute they would be in blocks.

    The tests of sealing run it by themselves; the fault suite and the e2e tests run all as it is.
    """
    monkeypatch.setenv("PITBOX_SEALING__AFTER_S", "0")
