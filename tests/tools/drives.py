"""Cars that go round a track, frame by frame, for tests."""

import struct
from collections.abc import Iterable, Sequence

import msgspec
from hypothesis import strategies as st

from consumers.timing.replay import laps
from pitbox.chunks.frames import pack, sealed
from schemas.channels import bitmap, ids
from schemas.sim import Finished, LapReported, Observed, Rewound, SessionOpened
from schemas.telemetry import Chunk
from schemas.timing import Lap

START_NS = 1_700_000_000_000_000_000
NAMES = (
    "session_time",
    "lap_number",
    "lap_time",
    "last_lap_time",
    "lap_distance",
    "lap_fraction",
    "sector",
    "lap_valid",
    "fuel_level",
    "speed",
    "in_pit_lane",
)
NAN = float("nan")

Moment = tuple[int, dict[str, float]] | Observed
"""A frame (ns, channels) or an event of the sim."""


class Drive:
    """Drive round a track of 1000 m, ten frames a second, and remember every moment.

    `clock` gives the car a session clock; other channels are absent until they are set.
    """

    def __init__(self, number: float = 1, at_m: float = 0.0, clock: bool = False) -> None:
        self.moments: list[Moment] = []
        self.at_ns = START_NS
        self.clock_s = 100.0 if clock else NAN
        self.at_m = at_m
        self.state: dict[str, float] = {"lap_number": number}
        self.length_m = 1000.0
        self.counts = True

    def go(self, metres: float, speed: float = 50.0) -> "Drive":
        """Drive on at a speed in m/s; the lap number rises at the line while `counts`."""
        frames = round(metres / speed * 10)
        for _ in range(frames):
            self.pass_time(0.1)
            self.at_m += speed / 10
            if self.at_m >= self.length_m:
                self.at_m -= self.length_m
                self.state["lap_number"] += self.counts
            self.frame(speed)
        return self

    def stand(self, seconds: float) -> "Drive":
        """Stand still."""
        for _ in range(round(seconds * 10)):
            self.pass_time(0.1)
            self.frame(0.0)
        return self

    def pass_time(self, seconds: float) -> None:
        """Let time pass without a frame."""
        self.at_ns += round(seconds * 1e9)
        self.clock_s += seconds

    def frame(self, speed: float) -> None:
        """Take one frame where the car is."""
        place = {"lap_distance": self.at_m, "speed": speed, "session_time": self.clock_s}
        self.moments.append((self.at_ns, self.state | place))

    def set(self, **channels: float) -> "Drive":
        """Set channels from now on."""
        self.state |= channels
        return self

    def emit(self, event: Observed) -> "Drive":
        """Record an event of the sim at the current instant."""
        self.moments.append(event)
        return self

    def chunks(self, frames: int = 3, run: int = 1) -> list[Chunk]:
        """Cut all moments into chunks."""
        return cut(self.moments, [frames] * (len(self.moments) // frames + 1), run)


def report(drive: Drive, lap_number: int, lap_time_s: float, **more: object) -> Drive:
    """Let the sim report a lap."""
    fields = {"car": "7", "own": True} | more
    at = {"at_ns": drive.at_ns, "lap_number": lap_number, "lap_time_s": lap_time_s}
    return drive.emit(LapReported(**(fields | at)))  # type: ignore[arg-type]


def final(drive: Drive, frames: int = 3) -> dict[int, Lap]:
    """Return the laps of the driver's own car by number."""
    return {lap.lap_number: lap for lap in laps(drive.chunks(frames)) if lap.own}


def race(laps: int = 3) -> list[Chunk]:
    """Drive laps whose times the sim reports, and half a further lap."""
    drive = Drive(at_m=900.0).set(lap_valid=1, in_pit_lane=0)
    drive.emit(SessionOpened(at_ns=drive.at_ns, source="test", track="Fuji", car="7", sectors=3))
    drive.go(100)
    for lap_number in range(2, laps + 2):
        drive.set(fuel_level=90.0 - lap_number).go(1000)
        for car in ("7", "44"):
            drive.emit(
                LapReported(
                    at_ns=drive.at_ns,
                    car=car,
                    own=car == "7",
                    lap_number=lap_number,
                    lap_time_s=20 + lap_number / 100,
                )
            )
    return drive.go(500).chunks()


def cut(moments: Sequence[Moment], sizes: Iterable[int], run: int = 1) -> list[Chunk]:
    """Cut moments into chunks; `sizes` gives the number of moments of each."""
    chunks: list[Chunk] = []
    start = 0
    for size in sizes:
        if start >= len(moments):
            break
        chunks.append(chunk_of(moments[start : start + size], number=len(chunks), run=run))
        start += size
    return chunks


def chunk_of(moments: Sequence[Moment], number: int = 0, run: int = 1) -> Chunk:
    """Make one chunk."""
    frames = [moment for moment in moments if isinstance(moment, tuple)]
    events = [moment for moment in moments if not isinstance(moment, tuple)]
    times = [at_ns for at_ns, _ in frames]
    rows = [
        struct.pack(f"<{len(NAMES)}f", *(channels.get(name, NAN) for name in NAMES))
        for _, channels in frames
    ]
    return packed(times, rows, msgspec.msgpack.encode(events) if events else b"", number, run)


def packed(
    times: Sequence[int], rows: Sequence[bytes], observed: bytes, number: int = 0, run: int = 1
) -> Chunk:
    """Pack rows of all `NAMES` and encoded events into a chunk."""
    block = pack(times, rows)
    made = Chunk(
        version=1,
        driver="ada",
        session="test",
        run=run,
        chunk=number,
        send=number,
        first_frame=0,
        frames=len(times),
        captured_ns=times[0] if times else 0,
        channels=bitmap(ids(*NAMES)),
        crc=0,
        block=block,
        observed=observed,
    )
    return sealed(made)


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("go"), st.integers(1, 130).map(lambda tens: tens * 10)),
        st.tuples(st.just("stand"), st.integers(1, 12)),
        st.tuples(st.just("pause"), st.integers(1, 20)),
        st.tuples(st.just("flashback"), st.integers(1, 60)),
        st.tuples(st.just("restart"), st.integers(0, 2)),
        st.tuples(st.just("jump"), st.integers(0, 999)),
        st.tuples(st.just("report"), st.integers(0, 6)),
        st.tuples(st.just("other"), st.integers(0, 6)),
        st.tuples(st.just("open"), st.integers(0, 3)),
        st.tuples(st.just("finish"), st.just(0)),
        st.tuples(st.just("number"), st.sampled_from([NAN, 0.0, 3.0])),
        st.tuples(st.just("counts"), st.integers(0, 1)),
        st.tuples(st.just("lap_valid"), st.integers(0, 1)),
        st.tuples(st.just("in_pit_lane"), st.integers(0, 1)),
        st.tuples(st.just("sector"), st.integers(0, 2)),
        st.tuples(st.just("last_lap_time"), st.integers(18, 24)),
        st.tuples(st.just("fuel_level"), st.integers(0, 60)),
    ),
    min_size=1,
    max_size=14,
)


def act(drive: Drive, action: str, value: float) -> None:
    """Apply one action to a drive."""
    match action:
        case "go":
            drive.go(value, 50)
        case "stand":
            drive.stand(value)
        case "pause":
            drive.at_ns += round(value * 1e9)
        case "flashback":
            drive.clock_s -= value
            drive.at_m = max(drive.at_m - 10 * value, 0)
            drive.emit(Rewound(at_ns=drive.at_ns, session_time_s=drive.clock_s))
        case "restart":
            drive.clock_s, drive.at_m = 0.0, -10.0
            drive.state["lap_number"] = value
        case "jump":
            drive.at_m = float(value)
        case "report":
            drive.emit(reported(drive, int(value), own=True))
        case "other":
            drive.emit(reported(drive, int(value), own=False))
        case "open":
            drive.emit(SessionOpened(at_ns=drive.at_ns, source="test", sectors=int(value)))
        case "finish":
            drive.emit(Finished(at_ns=drive.at_ns))
        case "number":
            drive.state["lap_number"] = value
        case "counts":
            drive.counts = bool(value)
        case channel:
            drive.set(**{channel: value})


def reported(drive: Drive, lap_number: int, own: bool) -> LapReported:
    """Return a lap report whose time depends on the drive's clock."""
    lap_time_s = 20.0 + drive.at_ns % 7
    return LapReported(
        at_ns=drive.at_ns, car="9", lap_number=lap_number, lap_time_s=lap_time_s, own=own
    )


@st.composite
def drives(draw: st.DrawFn) -> list[Moment]:
    """Draw the observations of one run of the driver app."""
    drive = Drive(number=1, at_m=draw(st.sampled_from([-30.0, 0.0, 700.0])), clock=True)
    for action, value in draw(ACTIONS):
        act(drive, action, value)
    return drive.moments or Drive().stand(1).moments
