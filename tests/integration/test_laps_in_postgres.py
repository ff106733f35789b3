"""`pitbox laps` lists the laps of a session; an import stores the laps of its file."""

import json
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.tools.drives import race
from tests.tools.hub import apply, connected, send
from tests.tools.processes import pitbox, running
from tests.tools.servers import NatsServer, until

RECORDINGS = (
    "iracing/langley_sk-modified_laps-15.187-15.099.ibt",
    "gt7/gt7_packet-a_lap-1m39.036.pcap.gz",
    "gt7/gt7_packet-c_lap-1m55.244.pcap.gz",
    "assetto/assetto-corsa_udp_monza_r8-lms.pcap.gz",
    "f1/f1-25_format2025_time-trial_catalunya.pcap.gz",
    "f1/f1-25_format2026_race_melbourne.pcap.gz",
    "motec/calder_adl_4-laps.ld",
    "csv/ams2-m4-gt4_monza_3-laps.csv.gz",
    "csv/iracing-488-gt3_fuji_7-laps.csv.gz",
)


async def test_laps_of_a_session_are_listed(nats_server: NatsServer, database: str) -> None:
    await apply(nats_server.url)
    async with connected(nats_server.url) as driver:
        await send(driver, race())
    with running("timing", nats_server, database), running("persister", nats_server, database):
        until(lambda: len(listed(nats_server, database, "test")) == 6, "six laps have a time")
    laps = listed(nats_server, database, "test")
    assert [(lap["car"], lap["own"], lap["lap_number"], lap["lap_time_s"]) for lap in laps] == [
        (car, car == "7", lap, 20 + lap / 100) for car in ("7", "44") for lap in (2, 3, 4)
    ]
    table = pitbox(nats_server, database, "laps", "--session", "test").stdout
    assert "0:20.030" in table and "car 44" not in table
    assert " · Fuji · car 7" in table


def test_an_unknown_session_is_refused_in_one_sentence(
    nats_server: NatsServer, database: str
) -> None:
    done = pitbox(nats_server, database, "laps", "--session", "monza", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("pitbox: Postgres has no laps of a session 'monza'")


async def test_imported_recordings_have_the_laps_of_their_files(
    nats_server: NatsServer, database: str, data_dir: Path
) -> None:
    files = [data_dir / name for name in RECORDINGS if (data_dir / name).exists()]
    if not files:
        pytest.skip(f"needs recordings in {data_dir}")
    await apply(nats_server.url)
    with running("timing", nats_server, database), running("persister", nats_server, database):
        imported = pitbox(
            nats_server, database, "import", *map(str, files), "--json", driver="driver"
        )
        sessions = {part["file"]: part["session"] for part in json.loads(imported.stdout)}
        for file in files:
            of_file = steady(pitbox(nats_server, database, "laps", "--file", str(file), "--json"))
            has = partial(has_laps, nats_server, database, sessions[str(file)], of_file)
            until(has, f"the laps of {file.name} are in Postgres")


def has_laps(server: NatsServer, database: str, session: str, laps: list[dict[str, Any]]) -> bool:
    return listed(server, database, session) == laps


def listed(nats_server: NatsServer, database: str, session: str) -> list[dict[str, Any]]:
    """Return the laps of a session in Postgres."""
    return steady(pitbox(nats_server, database, "laps", "--session", session, "--json"))


def steady(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """Return listed laps without fields that depend on when they came; none after an error."""
    laps: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    return [{name: lap[name] for name in lap.keys() - {"revision", "at_ns"}} for lap in laps]
