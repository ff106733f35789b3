"""The bench: each part runs once and small, so that it cannot rot between two measurements."""

import math
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.bench.__main__ import PARTS
from tests.bench.report import Result

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_bench_writes_figures(part: str, tmp_path: Path) -> None:
    out = tmp_path / "bench.json"

    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", part, "--once", "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    results = msgspec.json.decode(out.read_bytes(), type=list[Result])
    assert results
    for one in results:
        assert math.isfinite(one.value), one
        assert all(math.isfinite(value) for value in one.peers.values()), one
