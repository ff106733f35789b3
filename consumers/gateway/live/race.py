"""Turn the events about the other cars of a race into messages for pages: pure."""

from collections.abc import Iterable, Iterator

from schemas.sim import CarsSeen, RaceDescribed
from schemas.telemetry import Chunk
from schemas.wall import Cars, Entries

RaceEvent = CarsSeen | RaceDescribed


def race_messages(
    chunk: Chunk, events: Iterable[RaceEvent], *, own_only: bool
) -> Iterator[Cars | Entries]:
    """Yield a message for each event of a chunk; with `own_only` no other car is in it.

    Only cars name the own one, so entries are left out then.
    """
    for event in events:
        if isinstance(event, CarsSeen):
            cars = tuple(car for car in event.cars if car.car == event.own or not own_only)
            yield Cars(
                session=chunk.session,
                driver=chunk.driver,
                at_ms=event.at_ns / 1e6,
                own=event.own,
                cars=cars,
            )
        elif not own_only:
            yield Entries(session=chunk.session, driver=chunk.driver, entries=event.entries)
