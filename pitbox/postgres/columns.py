"""Rows whose columns are the fields of an event."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

E = TypeVar("E", bound=Struct)


class Columns(Generic[E]):
    """Convert events of a type to rows of a table and back.

    `key` is the table's primary key, `json` the fields whose columns are jsonb. A field with
    several values is an array otherwise.
    """

    def __init__(self, event: type[E], *, key: Sequence[str], json: Collection[str] = ()) -> None:
        """Prepare decoders of the fields in `json`."""
        self.names = event.__struct_fields__
        self._event = event
        self._key = tuple(key)
        self._decode: dict[str, Callable[[str], Any]] = {
            field.name: msgspec.json.Decoder(field.type).decode
            for field in msgspec.structs.fields(event)
            if field.name in json
        }

    @property
    def listed(self) -> str:
        """Return the columns for a select; quoted, because a field may be a word of SQL."""
        return ", ".join(f'"{name}"' for name in self.names)

    def event(self, row: Any) -> E:
        """Return the event of a row that has all columns."""
        return self._event(**{name: self._field(name, row[name]) for name in self.names})

    def parameters(self, event: E) -> tuple[Any, ...]:
        """Return the values of all columns."""
        return tuple(self._column(name, getattr(event, name)) for name in self.names)

    def upsert(self, table: str) -> str:
        """Return the statement that writes a row, with the values of `parameters`."""
        places = ", ".join(f"${number}" for number, _ in enumerate(self.names, 1))
        others = [name for name in self.names if name not in self._key]
        changes = ", ".join(f'"{name}" = excluded."{name}"' for name in others)
        return (
            f"insert into {table} ({self.listed}) values ({places}) "
            f"on conflict ({', '.join(self._key)}) do update set {changes}"
        )

    def select(self, table: str) -> str:
        """Return the statement that reads the rows of session $1 and driver $2."""
        return f"select {self.listed} from {table} where session = $1 and driver = $2"

    def delete(self, table: str) -> str:
        """Return the statement that deletes the row of a key."""
        key = " and ".join(f"{name} = ${number}" for number, name in enumerate(self._key, 1))
        return f"delete from {table} where {key}"

    def _field(self, name: str, value: Any) -> Any:
        if name in self._decode:
            return self._decode[name](value)
        return tuple(value) if isinstance(value, list) else value

    def _column(self, name: str, value: Any) -> Any:
        return msgspec.json.encode(value).decode() if name in self._decode else value
