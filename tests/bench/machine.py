"""The speed of the machine itself, so that figures of different machines can be compared."""

import time
import zlib
from collections.abc import Callable, Iterator
from typing import Final

from tests.bench.effort import Effort
from tests.bench.report import Result, result

ROUNDS: Final = 7
ADDITIONS: Final = 1_000_000
BYTES: Final = bytes(64_000_000)


def measure(effort: Effort) -> Iterator[Result]:
    """Yield the CPU time of a fixed amount of Python, and of one pass over memory."""
    works: dict[str, Callable[[], object]] = {
        "machine_python_ms": lambda: sum(number * number for number in range(ADDITIONS)),
        "machine_crc32_64_mb_ms": lambda: zlib.crc32(BYTES),
    }
    for name, work in works.items():
        yield result(name, "ms", "lower", [_took_ms(work) for _ in range(effort.rounds(ROUNDS))])


def _took_ms(work: Callable[[], object]) -> float:
    began_s = time.process_time()
    work()
    return (time.process_time() - began_s) * 1e3
