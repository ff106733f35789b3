"""Measure a worker from its first message to its last commit, and print the figures as JSON."""

import argparse
import json
import os
import resource
import time
from pathlib import Path
from typing import Final

WIDTH: Final = 80
COLUMNS: Final = ("seq", *(f"c{place}" for place in range(WIDTH)))
TABLE: Final = "wide"


def arguments() -> argparse.Namespace:
    """Parse the addresses and the expected number of frames."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--nats", required=True)
    parser.add_argument("--credentials", default="")
    parser.add_argument("--postgres", required=True)
    parser.add_argument("--frames", type=int, required=True)
    return parser.parse_args()


class Stopwatch:
    """Start with the first message, end with the last frame committed."""

    def __init__(self, frames: int) -> None:
        self._left = frames
        self._began: tuple[float, float] | None = None

    def begin(self) -> None:
        """Start the clock at the first message."""
        if self._began is None:
            self._began = time.perf_counter(), cpu_s()

    def committed(self, frames: int) -> None:
        """Count frames; after the last one print the figures and end the process."""
        self._left -= frames
        if self._left > 0 or self._began is None:
            return
        wall_s, spent_s = time.perf_counter() - self._began[0], cpu_s() - self._began[1]
        figures = {"wall_s": wall_s, "cpu_s": spent_s, "rss_mb": peak_rss_mb()}
        print(json.dumps(figures), flush=True)
        os._exit(0)


def cpu_s() -> float:
    """Return the CPU time of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_rss_mb() -> float:
    """Return this process's peak memory, without that of its parent."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
