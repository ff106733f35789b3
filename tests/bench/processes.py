"""Processes that a bench measures from outside."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil

ROOT: Final = Path(__file__).parents[2]
STOP_S: Final = 10.0


@contextlib.contextmanager
def process(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python module during the block; its output can be read.

    Raises RuntimeError when it ended by itself, because a figure of it would be wrong.
    """
    started = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={**os.environ, "PITBOX_LOG__LEVEL": "warning", **environment},
        stdout=subprocess.PIPE,
    )
    try:
        yield started
        if started.poll():
            raise RuntimeError(f"{' '.join(arguments)} ended with code {started.returncode}")
    finally:
        started.send_signal(signal.SIGTERM)
        try:
            started.wait(STOP_S)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()
        if started.stdout:
            started.stdout.close()


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process, its children included."""
    first = psutil.Process(pid)
    spent = [one.cpu_times() for one in (first, *first.children(recursive=True))]
    return sum(times.user + times.system for times in spent)
