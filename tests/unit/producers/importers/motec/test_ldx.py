from pathlib import Path

import pytest

from producers.importers.motec.ldx import beacons, beside
from producers.source import SourceError
from tests.tools.ld_file import ldx


def test_beacons_are_in_s_since_the_start_of_the_log(tmp_path: Path) -> None:
    path = tmp_path / "a.ldx"
    path.write_text(ldx(90.5, 20.25))
    assert beacons(path, 100) == pytest.approx((20.25, 90.5))


def test_other_markers_are_no_beacons(tmp_path: Path) -> None:
    path = tmp_path / "a.ldx"
    path.write_text(ldx(20).replace("Beacons", "Notes"))
    assert beacons(path, 100) == ()


def test_the_file_beside_a_log_is_found_whatever_the_case_of_its_suffix(tmp_path: Path) -> None:
    log = tmp_path / "stint 1.ld"
    assert beside(log) is None
    (tmp_path / "stint 1.LDX").write_text(ldx())
    found = beside(log)
    assert found is not None
    assert found.name == "stint 1.LDX"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<LDXFile>", "a.ldx is damaged"),
        (ldx(20).replace("Time=", "Tame="), "a.ldx is damaged"),
        (ldx(20, 101), "a beacon at 101.000 s, but the log lasts 100.000 s"),
        (ldx(float("nan")), "it is of another log"),
        ("", "a.ldx is damaged"),
    ],
)
def test_a_damaged_file_beside_the_log_is_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "a.ldx").write_text(content)
    with pytest.raises(SourceError, match=message):
        beacons(tmp_path / "a.ldx", 100)
