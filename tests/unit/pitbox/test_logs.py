"""A log that cannot be written does not end its program."""

import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
LOGS = """
from pitbox import logs
from pitbox.settings import Log
logs.get("test").error("before the settings are known")
logs.configure(Log(), "test")
for _ in range(1000):
    logs.get("test").error("a line that its disk does not take")
print("it goes on")
"""


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
def test_a_full_disk_loses_log_lines_and_nothing_else() -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", LOGS],
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
            check=False,
        )
    assert done.stdout == "it goes on\n"
