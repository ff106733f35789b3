"""End the processes of a killed harness: its own `finally` cannot, so a separate process does.

Run as `python -m tests.faults.reaper PID`; it watches that process and ends with it.
"""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil

POLL_S: Final = 0.5
ROOT: Final = Path(__file__).parents[2]


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """End every process that the block starts together with this one, even if it is killed."""
    harness = str(psutil.Process().pid)
    reaper = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.reaper", harness], cwd=ROOT, start_new_session=True
    )
    try:
        yield
    finally:
        reaper.kill()
        reaper.wait()


def watch(harness: psutil.Process) -> None:
    """Wait for the end of a process, then kill its descendants."""
    started: list[psutil.Process] = []
    while harness.is_running() and harness.status() != psutil.STATUS_ZOMBIE:
        with contextlib.suppress(psutil.NoSuchProcess):
            started = harness.children(recursive=True)
        time.sleep(POLL_S)
    for process in started:
        if process.pid != psutil.Process().pid:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


if __name__ == "__main__":
    watch(psutil.Process(int(sys.argv[1])))
