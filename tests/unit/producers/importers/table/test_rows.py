from pathlib import Path

import pytest

from producers.importers.table.plan import plan
from producers.importers.table.rows import Row, read
from producers.importers.table.text import read_header
from producers.source import SourceError
from schemas.sim import LeftOut


def rows_of(
    path: Path, *lines: str, header: str = "Time,Gear"
) -> tuple[list[Row], list[LeftOut], bool]:
    path.write_text("\n".join([header, *lines]))
    found = read_header(path)
    planned = plan(path.name, found.columns, {}, ())
    with read(path, found, planned) as rows:
        return list(rows), list(rows.left_out.take(0)), rows.is_dated


def times_s(rows: list[Row]) -> list[float]:
    return [row.at_ns / 1e9 for row in rows]


def test_dated_rows_are_brought_into_the_order_of_time(tmp_path: Path) -> None:
    rows, _, dated = rows_of(
        tmp_path / "a.csv",
        "2026-01-01 00:00:02Z,3",
        "2026-01-01 00:00:00Z,1",
        "2026-01-01 00:00:01Z,2",
    )
    assert [row.values for row in rows] == [(1,), (2,), (3,)]
    assert dated


def test_rows_of_one_time_stay_in_the_order_of_the_file(tmp_path: Path) -> None:
    rows, _, _ = rows_of(tmp_path / "a.csv", *(f"1,{at}" for at in range(20)))
    assert [row.values[0] for row in rows] == list(range(20))


def test_seconds_since_1970_are_dates(tmp_path: Path) -> None:
    rows, _, dated = rows_of(tmp_path / "a.csv", "1700000001.5,2", "1700000000.25,1")
    assert dated
    assert times_s(rows) == pytest.approx([1_700_000_000.25, 1_700_000_001.5], abs=1e-6, rel=0)


def test_a_clock_that_starts_again_goes_on_one_step_later(tmp_path: Path) -> None:
    lines = [f"{at % 50 / 10},{at}" for at in range(150)]
    rows, _, dated = rows_of(tmp_path / "a.csv", *lines)
    assert not dated
    assert times_s(rows) == pytest.approx([at / 10 for at in range(150)])


@pytest.mark.parametrize(
    ("first", "strange"),
    [
        ("2026-01-01 00:00:00Z", "0001-01-01 00:00:00Z"),
        ("2026-01-01 00:00:00Z", "9999-12-31 23:59:59Z"),
        ("1700000000", "5"),
        ("1700000000", "1e30"),
        ("5", "1e9"),
        ("5", "-1e9"),
        ("5", "inf"),
        ("5", "nan"),
    ],
)
def test_a_time_that_no_recording_has_costs_its_row_alone(
    tmp_path: Path, first: str, strange: str
) -> None:
    rows, left_out, _ = rows_of(tmp_path / "a.csv", f"{first},1", f"{strange},2", f"{first},3")
    assert [row.values[0] for row in rows] == [1, 3]
    assert [(one.reason, one.count) for one in left_out] == [("row", 1)]


def test_a_clock_that_starts_again_after_ages_ever_and_ever_ends(tmp_path: Path) -> None:
    lines = [f"{at % 150 * 6e5},{at}" for at in range(300)]
    rows, left_out, _ = rows_of(tmp_path / "a.csv", *lines)
    assert len(rows) + left_out[0].count == 300
    assert times_s(rows)[-1] < 1e8


def test_times_before_zero_are_times(tmp_path: Path) -> None:
    rows, _, _ = rows_of(tmp_path / "a.csv", "-0.5,1", "0,2", "0.5,3")
    assert times_s(rows) == [-0.5, 0, 0.5]


def test_a_clock_that_goes_back_all_the_time_is_refused(tmp_path: Path) -> None:
    lines = [f"{at % 2 * 10},1" for at in range(20)]
    with pytest.raises(SourceError, match="the column Time go back in 9 of 20 rows"):
        rows_of(tmp_path / "a.csv", *lines)


def test_rows_that_are_cut_off_or_have_no_time_are_counted(tmp_path: Path) -> None:
    rows, left_out, _ = rows_of(tmp_path / "a.csv", ",1", "0,1", "x,2", "1", "1,3,", "2,3,4")
    assert times_s(rows) == [0, 1]
    assert [(one.reason, one.count) for one in left_out] == [("row", 4)]


def test_values_that_are_no_numbers_are_counted_by_column(tmp_path: Path) -> None:
    rows, left_out, _ = rows_of(tmp_path / "a.csv", "0,1", "1,first", "2,second", "3,N")
    assert [row.values[0] == row.values[0] for row in rows] == [True, False, False, True]
    assert [(one.reason, one.about, one.count) for one in left_out] == [("value", "Gear", 2)]


def test_decimal_commas_of_a_table_with_semicolons_are_read(tmp_path: Path) -> None:
    rows, _, _ = rows_of(tmp_path / "a.csv", "0,25;2", "0,5;3", header="Time;Gear")
    assert times_s(rows) == [0.25, 0.5]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((), "no whole row below its header"),
        (("1",), "no whole row"),
        (("monday,1",), 'a.csv: "monday" in the column Time is neither a number of seconds nor'),
        (("1700000000000,1",), "Where it counts ms: --map time:ms="),
    ],
)
def test_a_table_without_a_timed_row_is_refused(
    tmp_path: Path, lines: tuple[str, ...], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        rows_of(tmp_path / "a.csv", *lines)
