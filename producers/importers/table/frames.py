"""Turn the rows of a table into observations."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from producers.importers.limits import Limits
from producers.importers.mapping import Mapping
from producers.importers.names import mapped_places
from producers.importers.table import iracing_rows
from producers.importers.table.layouts import GARAGE_61, IRACING
from producers.importers.table.plan import Plan, plan
from producers.importers.table.rows import Description, Rows, read
from producers.importers.table.text import Header, read_header, read_rows
from producers.source import Began, Frame, Observation
from producers.sources.channel_order import Layout
from producers.sources.projection import Projection
from schemas.sim import SessionKind, SessionOpened

KINDS: Final[dict[str, SessionKind]] = {
    "test": "test",
    "practice": "practice",
    "warm": "practice",
    "qual": "qualifying",
    "race": "race",
    "time trial": "time_trial",
    "hotlap": "time_trial",
}


def mapping(path: Path, chosen: Sequence[str] = ()) -> Mapping:
    """Return how the columns of a table are read; raises SourceError as `observations`."""
    return _planned(path, chosen)[1].mapping


def observations(path: Path, chosen: Sequence[str] = ()) -> Iterator[Observation]:
    """Yield the observations of a table; raises SourceError before the first when it is damaged.

    `chosen` are mappings of a user, as `speed:km/h=COLUMN`.
    """
    header, planned = _planned(path, chosen)
    with read(path, header, planned) as rows:
        last_ns = 0
        for item in _decoded(path, planned, rows):
            if isinstance(item, Frame):
                last_ns = item.captured_ns
            yield item
        planned.mapping.leave_out(rows.left_out)
        yield from rows.left_out.take(last_ns)


def _planned(path: Path, chosen: Sequence[str]) -> tuple[Header, Plan]:
    header = read_header(path)
    first = next(read_rows(path, header), [])
    cells = dict(zip(header.columns, first, strict=False))
    return header, plan(path.name, header.columns, cells, chosen)


def _decoded(path: Path, planned: Plan, rows: Rows) -> Iterator[Observation]:
    origin_ns = 0
    if not rows.is_dated:
        last_ns = 0
        for row in rows:
            last_ns = row.at_ns
        origin_ns = path.stat().st_mtime_ns - last_ns
    if planned.layout in (IRACING, GARAGE_61):
        return iracing_rows.decoded(path, planned, rows, origin_ns)
    return _plain(planned, rows, origin_ns)


def _plain(planned: Plan, rows: Rows, origin_ns: int) -> Iterator[Observation]:
    """Yield the frames of rows; another track, car or kind of session begins another session."""
    channels = [column.channel for column in planned.columns]
    projection = Projection() if "latitude" in channels else None
    layout = Layout(mapped_places(channels))
    limits = Limits(channels)
    described: Description | None = None
    for row in rows:
        at_ns = origin_ns + row.at_ns
        if row.description != described:
            described = row.description
            yield Began("", layout.channels, _opened(at_ns, described))
        values = dict(zip(channels, row.values, strict=True))
        limits.apply(values)
        if projection is not None:
            place = projection.place(values["latitude"], values["longitude"])
            values["world_x"], values["world_y"] = place
        yield Frame(at_ns, layout.row(values))


def _opened(at_ns: int, described: Description) -> SessionOpened:
    track, car_model, kind = described
    found = (known for word, known in KINDS.items() if word in kind.casefold())
    return SessionOpened(
        at_ns=at_ns,
        source="csv",
        track=track,
        car_model=car_model,
        kind=next(found, "unknown"),
    )
