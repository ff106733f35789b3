"""The cars of a race travel in chunks, and laps are the same with and without them."""

import msgspec

from consumers.timing.reports import observed
from consumers.timing.state import State, add, initial
from pitbox.chunks.frames import sealed
from schemas.sim import CarSeen, CarsSeen, Entry, LapReported, RaceDescribed
from schemas.telemetry import Chunk
from tests.tools.drives import Drive

CARS = CarsSeen(at_ns=1, cars=tuple(CarSeen(str(car), 3, 12_345) for car in range(22)), own="0")
RACE = RaceDescribed(at_ns=1, entries=(Entry("0", "Ada"),))


def with_cars(chunk: Chunk) -> Chunk:
    """Return a chunk with the cars of its instant behind its other events."""
    events = msgspec.msgpack.decode(chunk.observed) if chunk.observed else []
    more = msgspec.msgpack.encode([*events, CARS, RACE])
    return sealed(msgspec.structs.replace(chunk, observed=more))


def folded(chunks: list[Chunk]) -> State:
    state = initial()
    for chunk in chunks:
        state = add(state, chunk)
    return state


def test_chunks_with_cars_fold_into_the_same_state() -> None:
    drive = Drive(at_m=900.0, clock=True).go(600)
    lap = LapReported(at_ns=drive.at_ns, car="7", lap_number=2, lap_time_s=20.0, own=True)
    chunks = drive.emit(lap).go(600).chunks()
    assert repr(folded([with_cars(chunk) for chunk in chunks])) == repr(folded(chunks))


def test_events_of_laps_are_read_beside_cars_and_beside_events_of_a_newer_version() -> None:
    lap = LapReported(at_ns=1, car="7", lap_number=2, lap_time_s=20.0, own=True)
    assert observed(msgspec.msgpack.encode([RACE, lap, CARS])) == (lap,)
    newer = {"type": "sim.pit_stop", "at_ns": 1}
    assert observed(msgspec.msgpack.encode([RACE, newer, lap, CARS])) == (lap,)
