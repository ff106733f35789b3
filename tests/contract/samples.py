"""One event of every kind with no field at its default, and its bytes, kept for ever.

`python -m tests.contract.samples` adds a file for each shape that has none yet.
"""

from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from schemas.coaching import Debrief, Evidence, Finding, Moment, Silence
from schemas.dead import DeadLetter
from schemas.fold import Progress
from schemas.hub import HubState, Probe
from schemas.incidents import Incident
from schemas.keys import Enrol, Enrolled, Renew, Renewed, Revoke, Revoked
from schemas.link import Ask, Hello, Receipt
from schemas.passes import Loss, Pass, Passes
from schemas.registry import EVENTS
from schemas.sim import (
    CarSeen,
    CarsSeen,
    Entry,
    Finished,
    LapReported,
    LeftOut,
    RaceDescribed,
    Rewound,
    SessionOpened,
    Zone,
)
from schemas.telemetry import Chunk, Mark
from schemas.timing import Deriving, Lap, Session
from schemas.track import Corner, Stretch, Track

FOLDER: Final = Path(__file__).parent / "golden"
OBSERVED: Final[dict[str, type[Struct]]] = {
    "sim.session": SessionOpened,
    "sim.lap": LapReported,
    "sim.rewound": Rewound,
    "sim.finished": Finished,
    "sim.race": RaceDescribed,
    "sim.cars": CarsSeen,
}
KINDS: Final[dict[str, type]] = EVENTS | OBSERVED

WHO: Final[dict[str, Any]] = {"session": "race-1", "driver": "ada"}
RUN: Final[dict[str, Any]] = WHO | {"run": 1_795_570_842_639}
AT_NS: Final = 1_795_570_842_639_867_870

USER_KEY: Final = "U" + "A" * 55

LAP: Final[dict[str, Any]] = RUN | {
    **{"at_ns": AT_NS, "car": "44", "lap_number": 12, "revision": 3, "chunks": (20, 91)},
}
PASS: Final = Pass(
    corner="T4",
    begins_m=1180.0,
    time_s=9.25,
    entry_mps=70.5,
    minimum_m=1240.0,
    minimum_mps=31.25,
    exit_mps=44.0,
    brakes_m=1188.0,
    throttle_m=1252.0,
    brakes_again_m=1246.0,
    lifts_m=1260.0,
)

SAMPLES: Final[dict[str, Struct]] = {
    "telemetry.chunk": Chunk(
        **RUN,
        version=2,
        chunk=7,
        send=1_795_570_842_639_867,
        first_frame=21,
        frames=3,
        captured_ns=AT_NS,
        channels=b"\x03\x01",
        crc=0xDEADBEEF,
        block=b"block",
        observed=b"\x90",
    ),
    "telemetry.mark": Mark(
        **RUN, version=1, send=1_795_570_842_639_868, made=9, closed=True, gone=((2, 3), (5, 5))
    ),
    "timing.session": Session(
        **WHO,
        at_ns=AT_NS,
        source="f1",
        source_version="2025",
        kind="race",
        track="Spa",
        track_length_m=7004.0,
        car="44",
        car_model="W16",
        sectors=3,
        started_ns=AT_NS,
        finished_ns=AT_NS + 1,
        left_out=(LeftOut(at_ns=AT_NS, reason="other_game", count=602, about="F1 25"),),
    ),
    "timing.lap": Lap(
        **RUN,
        at_ns=AT_NS,
        car="44",
        own=True,
        lap_number=12,
        revision=3,
        lap_time_s=74.142,
        timed_by="sim",
        sectors_s=(22.5, 30.25, 21.392),
        valid=False,
        in_lap=True,
        out_lap=True,
        pit=True,
        complete=False,
        frames=4448,
        started_ns=AT_NS,
        ended_ns=AT_NS + 74_142_000_000,
        fuel_used=1.75,
    ),
    "timing.deriving": Deriving(**WHO, at_ns=AT_NS, chunks_behind=72_000),
    "timing.track": Track(
        **WHO,
        at_ns=AT_NS,
        track="spa",
        version=2,
        length_m=7004.0,
        corners=(Corner(name="T4", entry_m=1210.0, apex_m=1240.0, exit_m=1290.0, left=True),),
        line=((0.5, -1.25), (4.5, -1.25)),
    ),
    "timing.passes": Passes(
        **LAP,
        judged="off",
        started_ns=AT_NS - 74_142_000_000,
        ended_ns=AT_NS,
        track="spa",
        track_version=2,
        track_length_m=7004.0,
        measured="projected",
        lap_time_s=74.142,
        judged_until_m=1300.0,
        passes=(PASS,),
        usual=(PASS,),
        usual_of=(9, 10, 11),
        losses=(
            Loss(
                corner="T4",
                entry_s=0.05,
                minimum_s=0.125,
                exit_s=-0.025,
                entry_spread_s=0.02,
                minimum_spread_s=0.03,
                exit_spread_s=0.04,
                spread_s=0.05,
            ),
        ),
        carried_s=0.015,
        straights=(Stretch(from_m=400.0, to_m=900.0),),
        incidents=(
            Incident(
                kind="spin",
                at_ns=AT_NS,
                ended_ns=AT_NS + 2_000_000_000,
                before_mps=41.5,
                after_mps=3.25,
                distance_m=1210.5,
                corner="T4",
                turned_rad=3.25,
                stood_s=4.5,
            ),
        ),
        laps_needed=1,
    ),
    "coach.moment": Moment(
        **LAP,
        cause="second_brake",
        corner="T4",
        worth_s=0.15,
        evidence=(Evidence(name="minimum_mps", value=29.5, unit="m/s", usual=31.25),),
        where=Stretch(from_m=1180.0, to_m=1400.0),
        priority=2,
        say=(Stretch(from_m=400.0, to_m=900.0),),
        expires_ns=AT_NS + 90_000_000_000,
        usual_of=(9, 10, 11),
        pattern=True,
        withdrawn=True,
    ),
    "coach.silence": Silence(
        **WHO,
        at_ns=AT_NS,
        car="44",
        lap_number=12,
        revision=3,
        reason="learning_driver",
        laps_needed=1,
    ),
    "coach.debrief": Debrief(
        **WHO,
        at_ns=AT_NS,
        car="44",
        lap_number=3,
        last_lap=12,
        revision=3,
        laps=9,
        best_lap=7,
        best_lap_s=88.125,
        median_lap_s=88.75,
        theoretical_best_s=87.5,
        ended=True,
        findings=(
            Finding(
                corner="T4",
                worth_s=0.25,
                best_lap=7,
                usual_lap=9,
                uneven=True,
                cause="late_throttle",
                times=2,
                evidence=(Evidence(name="throttle_m", value=1290.5, unit="m", usual=1310.0),),
            ),
        ),
    ),
    "dead.letter": DeadLetter(
        consumer="timing",
        stream="TELEMETRY",
        created_ns=AT_NS,
        sequence=11,
        subject="telemetry.ada.race-1.live",
        reason="CorruptChunk: crc differs",
        payload=b"\xc1",
        tries=1,
        at_ns=AT_NS,
    ),
    "fold.progress": Progress(
        consumer="timing",
        stream="TELEMETRY",
        version=2,
        created_ns=AT_NS,
        sequence=40,
        stored_ns=AT_NS + 1,
        starts=4,
        suspect=41,
        endings=1,
        buried=(7, 9),
    ),
    "store.probe": Probe(by="supervisor", at_ns=AT_NS, filler=b"filler"),
    "hub.state": HubState(
        at_ns=AT_NS, nats_refuses=True, postgres_refuses=True, low_room=True, free_bytes=7
    ),
    "link.receipt": Receipt(
        **RUN,
        through=4,
        upto=9,
        missing=((5, 5), (7, 8)),
        echo=1_795_570_842_639_867,
        made=12,
        boot="678f6c6e",
        hub_ns=AT_NS,
        dead=1,
        refused=((6, 6),),
        gone=((5, 5),),
        deleted=1_795_570_842_000,
    ),
    "link.ask": Ask(**RUN),
    "link.hello": Hello(
        **RUN,
        at_ns=AT_NS,
        made=12,
        waiting=3,
        offset_ns=-5_000_000,
        rtt_ns=1_400_000,
        kept=False,
    ),
    "keys.enrol": Enrol(driver="ada", public_key=USER_KEY, pc="rig-1"),
    "keys.enrolled": Enrolled(
        driver="ada", jwt="e30.e30.c2ln", expires_s=1_798_000_000, refused="not today", later=True
    ),
    "keys.renew": Renew(driver="ada", public_key=USER_KEY),
    "keys.renewed": Renewed(
        driver="ada", jwt="e30.e30.c2ln", expires_s=1_798_000_000, refused="not today", later=True
    ),
    "keys.revoke": Revoke(driver="ada", pc=USER_KEY),
    "keys.revoked": Revoked(driver="ada", refused="not today", later=True),
    "sim.session": SessionOpened(
        at_ns=AT_NS,
        source="iracing",
        source_version="2026.1",
        kind="qualifying",
        track="Spa",
        track_length_m=7004.0,
        car="12",
        car_model="GT3",
        sectors=3,
    ),
    "sim.lap": LapReported(
        at_ns=AT_NS,
        car="12",
        lap_number=4,
        lap_time_s=74.142,
        own=True,
        sectors_s=(22.5, 51.642),
        valid=True,
    ),
    "sim.rewound": Rewound(at_ns=AT_NS, session_time_s=12.5),
    "sim.finished": Finished(at_ns=AT_NS),
    "sim.race": RaceDescribed(
        at_ns=AT_NS,
        entries=(Entry("12", "Ada Lovelace", "12", "GT3", "GT"), Entry("13")),
        laps=30,
        extra_laps=1,
        fuel_capacity=60.0,
        refuel_rate_per_s=2.5,
        zones=(Zone(0.25, 0.5, "yellow"),),
        race_control="safety_car",
        weather="light rain",
    ),
    "sim.cars": CarsSeen(
        at_ns=AT_NS,
        cars=(
            CarSeen("12", 4, 12_345, -700, 40_000, 2, 1_250, "pit", "soft", 7, 95_400, 94_120),
            CarSeen("13"),
        ),
        own="12",
        session_time_s=512.25,
        time_left_s=1287.75,
        left_out=3,
    ),
}


def kept(tag: str) -> list[Path]:
    """Return the files of a kind's shapes, oldest first."""
    found = FOLDER.glob(f"{tag}.*.msgpack")
    return sorted(found, key=lambda path: int(path.suffixes[-2].removeprefix(".")))


def write_missing() -> None:
    """Write the bytes of every shape that has no file yet."""
    for tag, sample in SAMPLES.items():
        files, encoded = kept(tag), msgspec.msgpack.encode(sample)
        if not files or files[-1].read_bytes() != encoded:
            (FOLDER / f"{tag}.{len(files) + 1}.msgpack").write_bytes(encoded)


if __name__ == "__main__":
    write_missing()
