"""Test that one file, found by the type of its event, keeps a kind of fact."""

import importlib
from collections.abc import Callable
from math import inf, nan
from pathlib import Path
from types import ModuleType
from typing import Any

import asyncpg
import pytest

from consumers.persister import tables as persister_tables
from pitbox.postgres.tables import TableError, scan
from schemas.dead import DeadLetter
from schemas.timing import Lap

Make = Callable[..., ModuleType]

PIT_STOP = """
from schemas.timing import Lap

EVENT = Lap
UPSERT = "insert into pit_stop values ($1)"

def parameters(lap):
    return (lap.lap_number,)
"""


class Statements:
    """Stand for a connection, and keep what is executed."""

    def __init__(self) -> None:
        self.executed: list[tuple[str, Any]] = []

    async def executemany(self, statement: str, rows: Any) -> None:
        self.executed.append((statement, rows))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.syspath_prepend(tmp_path)

    def make(name: str, **files: str) -> ModuleType:
        folder = tmp_path / name
        folder.mkdir()
        folder.joinpath("__init__.py").touch()
        for file, text in files.items():
            folder.joinpath(f"{file}.py").write_text(text)
        return importlib.import_module(name)

    return make


def lap(number: int, *, car: str = "4", **fields: Any) -> Lap:
    identity = {"session": "s", "driver": "d", "at_ns": 0, "car": car, "own": True, "revision": 1}
    return Lap(lap_number=number, **identity, **fields)


def test_a_kind_without_a_table_is_named() -> None:
    tables = scan(persister_tables)
    tables.require([DeadLetter])
    with pytest.raises(TableError, match="no file in consumers/persister/tables has EVENT = Lap"):
        tables.require([DeadLetter, Lap])


async def test_a_file_is_all_that_a_kind_of_fact_takes(package: Make) -> None:
    tables, connection = scan(package("one_table", pit_stop=PIT_STOP)), Statements()
    postgres: asyncpg.Connection = connection  # type: ignore[assignment]
    await tables.write(postgres, [lap(3), lap(4)])
    assert tables.name(lap(1)) == "pit_stop"
    assert connection.executed == [("insert into pit_stop values ($1)", [(3,), (4,)])]


async def test_rows_hold_no_value_that_postgres_rejects(package: Make) -> None:
    text = PIT_STOP.replace("(lap.lap_number,)", "(lap.car, lap.lap_time_s, lap.sectors_s)")
    connection = Statements()
    postgres: asyncpg.Connection = connection  # type: ignore[assignment]
    tables = scan(package("unclean", pit_stop=text))
    await tables.write(postgres, [lap(1, car="4\0", lap_time_s=nan, sectors_s=(1.5, inf))])
    [(_, [row])] = connection.executed
    assert row == ("4", None, [1.5, None])


@pytest.mark.parametrize("lacking", ["EVENT", "UPSERT", "parameters"])
def test_a_file_that_lacks_something_is_named(package: Make, lacking: str) -> None:
    text = PIT_STOP.replace(f"{lacking} =", "OTHER =").replace(f"def {lacking}", "def other")
    with pytest.raises(TableError, match=rf"pit_stop has no {lacking}"):
        scan(package(f"lacks_{lacking}", pit_stop=text))


def test_two_files_of_one_kind_are_named(package: Make) -> None:
    with pytest.raises(TableError, match=r"again.py and pit_stop.py .* EVENT = Lap"):
        scan(package("two_tables", pit_stop=PIT_STOP, again=PIT_STOP))
