"""The tables of events: one file of a package for each kind of event that becomes a row."""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import isfinite
from types import ModuleType
from typing import Any

import asyncpg
from msgspec import Struct

from pitbox.topology import TopologyError


class TableError(TopologyError):
    """Name the kind of event that has no table file, or the table file that is wrong."""


class Table(Struct, frozen=True):
    """Hold a table file: its name, the event's type, the statement and its parameters."""

    name: str
    event: type
    upsert: str
    parameters: Callable[[Any], Iterable[Any]]


class Tables:
    """Write events to the tables of their types."""

    def __init__(self, by_type: Mapping[type, Table], folder: str) -> None:
        """Hold tables, as `scan` finds them in a folder."""
        self._by_type = by_type
        self._folder = folder

    def require(self, kinds: Iterable[type]) -> None:
        """Raise TableError naming a kind of event that has no table file."""
        for kind in kinds:
            if kind not in self._by_type:
                raise TableError(
                    f"the persister reads {kind.__name__}, but no file in {self._folder} "
                    f"has EVENT = {kind.__name__}: add one, or take its route out of `reads`"
                )

    def name(self, event: Any) -> str:
        """Return the name of the table that an event is written to."""
        return self._by_type[type(event)].name

    async def write(self, connection: asyncpg.Connection, events: Iterable[Any]) -> None:
        """Write events, in their order within each table."""
        rows: dict[type, list[tuple[Any, ...]]] = {}
        for event in events:
            values = self._by_type[type(event)].parameters(event)
            rows.setdefault(type(event), []).append(tuple(clean(value) for value in values))
        for kind, values_of_rows in rows.items():
            await connection.executemany(self._by_type[kind].upsert, values_of_rows)


def scan(package: ModuleType) -> Tables:
    """Import every table file of a package; raises TableError for an invalid or duplicate one."""
    by_type: dict[type, Table] = {}
    for name, module in files(package, ("EVENT", "UPSERT", "parameters")):
        table = Table(name, module.EVENT, module.UPSERT, module.parameters)
        other = by_type.setdefault(table.event, table)
        if other is not table:
            raise TableError(
                f"{other.name}.py and {table.name}.py in {package.__name__} both have "
                f"EVENT = {table.event.__name__}: one table file for each kind of event"
            )
    return Tables(by_type, package.__name__.replace(".", "/"))


def files(package: ModuleType, needed: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Yield name and module of each file of a package; raises TableError if one lacks a name."""
    for file in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{file.name}")
        for name in needed:
            if not hasattr(module, name):
                raise TableError(f"{module.__name__} has no {name}: see the package's docstring")
        yield file.name, module


def clean(value: Any) -> Any:
    """Return a text without NUL, which Postgres rejects, and None for a number not finite."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, (list, tuple)):
        return [clean(part) for part in value]
    return value
