"""The facts of one driver in a session, as rows of the tables that a fold owns.

A file NAME.py in a package of fact tables is all that a fold needs to keep a kind of fact in the
table NAME. It has

- `EVENT`: the struct of the fact, as in schemas/registry.py;
- `SELECT`: the statement that reads the rows of session $1 and driver $2;
- `fact(row)`: the fact of a row;
- `place(fact)`: the rest of the row's primary key, after session and driver;
- `UPSERT` and `parameters(fact)`: the statement that writes one row, and the values of $1, $2, …;
- `DELETE`: the statement that removes the row of session $1, driver $2 and a place.
"""

from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

import asyncpg
from msgspec import Struct

from pitbox import logs
from pitbox.postgres.errors import ERRORS, Refused, verdict
from pitbox.postgres.tables import clean, files

log = logs.get("postgres")

NEEDED = ("EVENT", "SELECT", "fact", "place", "UPSERT", "parameters", "DELETE")

Place = tuple[Any, ...]
"""A fact's key within its driver and session: the name of its table, then the row's own key."""

Facts = Mapping[Place, Any]


class FactTable(Struct, frozen=True):
    """Hold one file of a package of fact tables."""

    name: str
    event: type
    select: str
    fact: Callable[[Any], Any]
    place: Callable[[Any], Place]
    upsert: str
    parameters: Callable[[Any], Iterable[Any]]
    delete: str


class FactTables:
    """Read and write the facts of one driver in a session."""

    def __init__(self, tables: Iterable[FactTable]) -> None:
        """Hold tables, as `scan` finds them."""
        self._by_type = {table.event: table for table in tables}
        self._by_name = {table.name: table for table in self._by_type.values()}

    def keyed(self, facts: Iterable[Any]) -> dict[Place, Any]:
        """Return facts by their places; the first of a place wins."""
        found: dict[Place, Any] = {}
        for fact in facts:
            table = self._by_type[type(fact)]
            found.setdefault((table.name, *table.place(fact)), fact)
        return found

    async def read(
        self, connection: asyncpg.Connection, session: str, driver: str
    ) -> dict[Place, Any]:
        """Return all facts of a driver in a session."""
        facts = []
        for table in self._by_name.values():
            rows = await connection.fetch(table.select, session, driver)
            facts += [table.fact(row) for row in rows]
        return self.keyed(facts)

    async def write(
        self,
        connection: asyncpg.Connection,
        owner: tuple[str, str],
        changed: Facts,
        removed: Iterable[Place],
    ) -> None:
        """Upsert changed facts and delete removed ones, in the caller's transaction.

        A fact with values that Postgres rejects is left out and logged; the others are written.
        """
        rows: dict[str, list[Place]] = {}
        for place, fact in changed.items():
            values = self._by_name[place[0]].parameters(fact)
            rows.setdefault(place[0], []).append(tuple(clean(value) for value in values))
        for name, values_of_rows in rows.items():
            upsert = self._by_name[name].upsert
            if not await _written(connection, upsert, values_of_rows):
                for values_of_row in values_of_rows:
                    await _written(connection, upsert, [values_of_row])
        for name, *rest in removed:
            await connection.execute(self._by_name[name].delete, *owner, *rest)


async def _written(connection: asyncpg.Connection, upsert: str, rows: list[Place]) -> bool:
    """Write rows; return False and undo it when Postgres rejects their values."""
    await connection.execute("savepoint rows")
    try:
        await connection.executemany(upsert, rows)
    except ERRORS as error:
        refused = verdict(error)
        if not isinstance(refused, Refused):
            raise
        if len(rows) == 1:
            log.error("Postgres rejects a fact", reason=str(refused))
        await connection.execute("rollback to savepoint rows")
        return False
    await connection.execute("release savepoint rows")
    return True


def scan(package: ModuleType) -> FactTables:
    """Import every file of a package of fact tables; raises TableError for an invalid one."""
    return FactTables(
        FactTable(
            name=name,
            event=file.EVENT,
            select=file.SELECT,
            fact=file.fact,
            place=file.place,
            upsert=file.UPSERT,
            parameters=file.parameters,
            delete=file.DELETE,
        )
        for name, file in files(package, NEEDED)
    )
