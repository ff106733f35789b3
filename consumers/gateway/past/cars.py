"""Query the race at an instant: all cars, from the events that a driver's chunks carry."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from pitbox import logs, metrics
from pitbox.chunks.errors import CorruptChunkError
from pitbox.chunks.events import known_events
from pitbox.chunks.owner import Owner
from pitbox.chunks.sealing import observed, unlock
from pitbox.postgres.pool import Pool
from schemas.api import CarAt, CarsAt, FlagOnZone
from schemas.sim import CarSeen, CarsSeen, Entry, RaceDescribed

FRESH_NS: Final = 2_000_000_000
"""Cars that were seen longer ago are not the race at an instant."""

DESCRIBED_NS: Final = 32_000_000_000
"""A race is described again within this time."""

LONGEST_BLOCK_NS: Final = 600_000_000_000
MOST_ROWS: Final = 2000
MOST_BYTES: Final = 4_000_000
"""What a driver may make one query read; the newest are read."""

WHERE: Final = """
session = $1 and driver = $2
    and run > coalesce((select through from deleted where session = $1 and driver = $2), -1)
"""
CHUNKS: Final = f"""
select run, chunk, captured_ns, content, false as sealed from (
    select run, chunk, captured_ns, observed as content,
        sum(octet_length(observed)) over (order by captured_ns desc, chunk desc) as bytes
    from telemetry_chunk
    where {WHERE} and observed is not null and captured_ns between $3 and $4
) as newest where bytes <= {MOST_BYTES}
order by captured_ns desc limit {MOST_ROWS}
"""
BLOCKS: Final = f"""
select run, chunk, captured_ns, content, true as sealed from (
    select run, chunk, captured_ns, block as content,
        sum(octet_length(block)) over (order by captured_ns desc, chunk desc) as bytes
    from telemetry_block
    where {WHERE} and captured_ns between $3 - {LONGEST_BLOCK_NS} and $4 and ended_ns >= $3
) as newest where bytes <= {MOST_BYTES}
order by captured_ns desc limit {MOST_ROWS}
"""

log = logs.get("gateway")
_race = msgspec.msgpack.Decoder(CarsSeen | RaceDescribed)


class Stored(NamedTuple):
    """Hold the events of a chunk, or a sealed block of chunks."""

    run: int
    chunk: int
    captured_ns: int
    content: bytes
    sealed: bool


async def cars_at(
    archive: Pool, session: str, driver: str, shown: str | None, at_ns: int, *, hides: bool
) -> CarsAt | None:
    """Return the race at an instant of a driver's clock, None where no cars were seen just before.

    `shown` is the name to query by, None for a hidden driver. With `hides` another driver is hidden
    from the requester, who gets the own car only: any other may be the hidden driver's.
    """
    if shown is None:
        return None
    where = session, shown, at_ns - DESCRIBED_NS, at_ns
    async with archive.connection() as connection:
        # In this order: a chunk that is sealed meanwhile is found twice, and not missed.
        rows = [*await connection.fetch(CHUNKS, *where), *await connection.fetch(BLOCKS, *where)]
    stored = sorted((Stored(*row) for row in rows), key=_captured_ns, reverse=True)
    owner = session, driver
    cars, race = newest(_events(owner, stored), at_ns)
    return None if cars is None else described(owner, cars, race, own_only=hides)


def _captured_ns(stored: Stored) -> int:
    return stored.captured_ns


def newest(
    events: Iterable[CarsSeen | RaceDescribed], at_ns: int
) -> tuple[CarsSeen | None, RaceDescribed | None]:
    """Return the cars and the race that were stated last at an instant."""
    cars: CarsSeen | None = None
    race: RaceDescribed | None = None
    for event in events:
        if event.at_ns > at_ns:
            continue
        if isinstance(event, RaceDescribed):
            race = event if race is None or event.at_ns > race.at_ns else race
        elif event.at_ns >= at_ns - FRESH_NS and (cars is None or event.at_ns > cars.at_ns):
            cars = event
    return cars, race


def described(
    owner: Owner, cars: CarsSeen, race: RaceDescribed | None, *, own_only: bool
) -> CarsAt:
    """Return the cars with their entries, in the order of the race."""
    race = race or RaceDescribed(at_ns=cars.at_ns)
    entries = {entry.car: entry for entry in race.entries}
    ordered = sorted(cars.cars, key=lambda car: (car.position is None, car.position or 0))
    return CarsAt(
        session=owner[0],
        driver=owner[1],
        at_ns=cars.at_ns,
        session_time_s=cars.session_time_s,
        time_left_s=cars.time_left_s,
        laps=race.laps,
        extra_laps=race.extra_laps,
        fuel_capacity=race.fuel_capacity,
        refuel_rate_per_s=race.refuel_rate_per_s,
        race_control=race.race_control,
        weather=race.weather,
        zones=tuple(FlagOnZone(zone.begins, zone.ends, zone.flag) for zone in race.zones),
        cars=tuple(
            _car(car, entries.get(car.car), own=car.car == cars.own)
            for car in ordered
            if car.car == cars.own or not own_only
        ),
        left_out=cars.left_out,
    )


def _car(car: CarSeen, entry: Entry | None, *, own: bool) -> CarAt:
    entry = entry or Entry(car.car)
    return CarAt(
        car=car.car,
        own=own,
        driver=entry.driver,
        number=entry.number,
        model=entry.model,
        car_class=entry.car_class,
        lap=car.lap,
        lap_distance_m=_tenths(car.distance_dm),
        world_x_m=_tenths(car.x_dm),
        world_y_m=_tenths(car.y_dm),
        position=car.position,
        gap_s=_thousandths(car.gap_ms),
        where=car.where,
        tyre=car.tyre,
        tyre_laps=car.tyre_laps,
        last_lap_time_s=_thousandths(car.last_ms),
        best_lap_time_s=_thousandths(car.best_ms),
    )


def _tenths(value: int | None) -> float | None:
    return None if value is None else value / 10


def _thousandths(value: int | None) -> float | None:
    return None if value is None else value / 1000


def _events(owner: Owner, stored: Iterable[Stored]) -> Iterator[CarsSeen | RaceDescribed]:
    """Yield the events of a race; a damaged row has none, and is counted."""
    for row in stored:
        try:
            for packed in _packed(owner, row):
                yield from known_events(packed, _race)
        except CorruptChunkError as error:
            if row.sealed:
                metrics.damaged_blocks.inc()
            log.error("telemetry in Postgres is damaged", run=row.run, reason=str(error))


def _packed(owner: Owner, row: Stored) -> list[bytes]:
    """Return the packed events of a row, one item a chunk; raises CorruptChunkError."""
    if not row.sealed:
        return [row.content]
    return observed(unlock((*owner, row.run, row.chunk), row.content))
