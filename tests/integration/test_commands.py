"""Commands as a user types them, run against real servers."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
import yaml

from consumers.persister.service import service
from pitbox import topology
from pitbox.nats.bus import Bus
from schemas.sim import LeftOut
from schemas.telemetry import CHUNK_VERSION
from schemas.timing import Lap, Session
from tests.tools.hub import (
    Database,
    apply,
    chunk,
    connected,
    eventually,
    mark,
    send,
    serving,
    settings_of,
    write_facts,
)
from tests.tools.servers import NatsServer, addresses, free_port

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def pitbox(nats_server: NatsServer, database: str) -> Run:
    hub = addresses(nats_server.url, database)

    def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "commands", *arguments],
            env=os.environ | hub | changes,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


@pytest.fixture
async def driver(nats_server: NatsServer) -> AsyncIterator[Bus]:
    await apply(nats_server.url)
    async with connected(nats_server.url) as bus:
        yield bus


async def kept(url: str, database: str, driver: Bus, *events: Any) -> Database:
    """Let a persister process events that are all undecodable or of run 1."""
    stored = Database(database)
    async with serving(service(settings_of(url, database))):
        await send(driver, events)
        counts = "select (select count(*) from dead_letter) + (select count(*) from run)"

        async def taken() -> bool:
            info = await driver.jetstream.consumer_info("TELEMETRY", "persister")
            return await stored.value(counts) > 0 and not info.num_ack_pending

        await eventually(taken, "the events are taken")
    return stored


def test_streams_are_planned_applied_and_then_unchanged(pitbox: Run) -> None:
    plan = pitbox("streams", "plan")
    planned = plan.stdout.splitlines()
    assert planned[0] == "create stream TELEMETRY"
    applied = pitbox("streams", "apply", "--json")
    assert [change["action"] for change in json.loads(applied.stdout)] == ["create"] * len(planned)
    assert pitbox("streams", "plan").stdout == "nothing to do\n"


def test_streams_above_the_limit_of_nats_server_are_refused_with_the_remedy(
    pitbox: Run, tmp_path: Path
) -> None:
    document = yaml.safe_load(topology.find().read_text())
    document["streams"]["TIMING"]["max_bytes"] = "100GB"
    streams = tmp_path / "large.yaml"
    streams.write_text(yaml.safe_dump(document))
    done = pitbox("streams", "apply", PITBOX_STREAMS=str(streams))
    assert done.returncode == 2
    assert "nats-server's max_file_store is 8.0 GB: lower max_bytes" in done.stderr


@pytest.mark.parametrize(
    "command", [("streams", "plan"), ("streams", "apply"), ("dead", "list"), ("sessions",)]
)
def test_an_unreachable_server_is_one_line_and_exit_code_2(
    pitbox: Run, command: tuple[str, ...]
) -> None:
    done = pitbox(
        *command,
        PITBOX_NATS__URL=f"nats://127.0.0.1:{free_port()}",
        PITBOX_POSTGRES__URL=f"postgresql://x@127.0.0.1:{free_port()}/x",
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("pitbox: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [("dead", "list"), ("sessions",)])
def test_a_database_without_tables_is_an_error_with_its_remedy(
    pitbox: Run, database: str, command: tuple[str, ...]
) -> None:
    bare = database.rsplit("/", 1)[0] + "/postgres?sslmode=disable"
    done = pitbox(*command, PITBOX_POSTGRES__URL=bare)
    assert done.returncode == 2
    assert done.stderr == "pitbox: the database has no tables yet: run `pitbox migrate`\n"


def test_empty_lists_are_reported_as_empty(pitbox: Run) -> None:
    assert pitbox("dead", "list").stdout == "no dead letters\n"
    assert pitbox("dead", "list", "--json").stdout == "[]\n"
    assert pitbox("sessions", "--json").stdout == "[]\n"
    assert pitbox("sessions").stderr == "no sessions yet\n"


async def test_a_dead_letter_is_listed_shown_and_sent_again(
    pitbox: Run, nats_server: NatsServer, database: str, driver: Bus
) -> None:
    newer = chunk(3, version=CHUNK_VERSION + 1)
    stored = await kept(nats_server.url, database, driver, newer)
    listed = json.loads(pitbox("dead", "list", "--json").stdout)
    assert [letter["reason"] for letter in listed] == [
        f"NewerVersion: {CHUNK_VERSION + 1}, this is {CHUNK_VERSION}"
    ]
    name = listed[0]["name"]
    assert name in pitbox("dead", "list").stdout
    assert pitbox("dead", "list", "--consumer", "timing").stdout == "no dead letters\n"
    shown = pitbox("dead", "show", name[:4]).stdout
    assert "telemetry.ada.test.backfill" in shown
    assert "NewerVersion" in shown
    raw = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "commands", "dead", "show", "--raw", name],
        env=os.environ | {"PITBOX_POSTGRES__URL": database},
        capture_output=True,
        check=True,
    )
    assert raw.stdout == msgspec.msgpack.encode(newer)
    assert pitbox("dead", "retry", name).stdout == "1 published again\n"
    assert await stored.value("select count(*) from dead_letter") == 0
    found = await driver.jetstream.get_msg("TELEMETRY", seq=2)
    assert (found.data, found.subject) == (raw.stdout, "telemetry.ada.test.backfill")


async def test_all_dead_letters_are_resent_and_invalid_ones_become_dead_letters_again(
    pitbox: Run, nats_server: NatsServer, database: str, driver: Bus
) -> None:
    await kept(
        nats_server.url, database, driver, *[chunk(n, version=CHUNK_VERSION + 1) for n in range(20)]
    )
    assert pitbox("dead", "retry", "--all").stdout == "20 published again\n"
    assert pitbox("dead", "list").stdout == "no dead letters\n"
    await kept(nats_server.url, database, driver, chunk(99))
    assert len(json.loads(pitbox("dead", "list", "--json").stdout)) == 20


async def test_a_message_that_no_stream_accepts_stays_a_dead_letter(
    pitbox: Run, nats_server: NatsServer, database: str, driver: Bus
) -> None:
    stored = await kept(nats_server.url, database, driver, chunk(0, version=CHUNK_VERSION + 1))
    await driver.jetstream.delete_stream("TELEMETRY")
    done = pitbox("dead", "retry", "--all")
    assert done.returncode == 2
    assert (
        done.stderr
        == "pitbox: 0 of 1 published again, then: no stream takes telemetry.ada.test.backfill\n"
    )
    assert await stored.value("select count(*) from dead_letter") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "0123abcd"), "no dead letter begins with 0123abcd: see `pitbox dead list`"),
        (("show", "%"), "'%' is not a name of a dead letter: see `pitbox dead list`"),
        (("retry",), "give names of dead letters, or --all"),
    ],
)
def test_a_wrong_name_is_reported(pitbox: Run, arguments: tuple[str, ...], message: str) -> None:
    done = pitbox("dead", *arguments)
    assert (done.returncode, done.stderr) == (2, f"pitbox: {message}\n")


async def test_sessions_show_what_retention_keeps_and_has_removed(
    pitbox: Run, database: str
) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute(
        "insert into run (session, driver, run, closed, have, expired) values "
        "('spa', 'ada', 1, true, '{[0,9)}', '{[0,9)}'), ('fuji', 'ada', 2, true, '{[0,9)}', '{}')"
    )
    await connection.close()
    assert "no session monza" in pitbox("sessions", "pin", "monza").stderr
    assert pitbox("sessions", "unpin", "fuji").stderr == "pitbox: fuji is not pinned\n"
    assert pitbox("sessions", "pin", "fuji").stdout == "fuji is pinned: retention keeps it\n"
    listed = {one["session"]: one for one in json.loads(pitbox("sessions", "--json").stdout)}
    assert [listed[name]["pinned"] for name in ("spa", "fuji")] == [False, True]
    [removed], [kept] = listed["spa"]["runs"], listed["fuji"]["runs"]
    assert [(run["have"], run["removed"]) for run in (removed, kept)] == [(0, 9), (9, 0)]
    shown = {line.split()[0]: line for line in pitbox("sessions").stdout.splitlines()}
    assert shown["spa"].endswith("telemetry removed")
    assert shown["fuji"].endswith("pinned")
    assert pitbox("sessions", "unpin", "fuji").stdout == "fuji is not pinned any more\n"


async def test_a_session_is_deleted_once_it_is_agreed_and_not_driven(
    pitbox: Run, database: str
) -> None:
    delete = ("sessions", "delete", "spa")
    assert "no session spa: `pitbox sessions` lists them" in pitbox(*delete, "--yes").stderr
    connection = await asyncpg.connect(database)
    for driver, closed in (("ada", True), ("bob", True), ("cyd", False)):
        row = "insert into run (session, driver, run, closed) values ('spa', $1, 1, $2)"
        await connection.execute(row, driver, closed)
    assert (
        "spa is being driven by cyd: close `pitbox drive` first" in pitbox(*delete, "--yes").stderr
    )
    await connection.execute("update run set updated = now() - interval '2 minutes'")
    assert "no driver eve in session spa" in pitbox(*delete, "--driver", "eve").stderr
    assert "add --yes" in pitbox(*delete).stderr
    done = pitbox(*delete, "--driver", "ada", "--yes")
    assert done.stdout.startswith("spa is deleted (ada);")
    listed = json.loads(pitbox("sessions", "--json").stdout)
    assert [one["driver"] for one in listed] == ["bob", "cyd"]
    assert pitbox(*delete, "--yes").stdout.startswith("spa is deleted (bob, cyd);")
    assert await connection.fetchval("select count(*) from run") == 0
    entries = await connection.fetch("select action, about, address from audit order by id")
    assert [tuple(entry) for entry in entries] == [
        ("session deleted", f"spa of {driver}", "command line") for driver in ("ada", "bob", "cyd")
    ]
    await connection.close()


async def test_sessions_show_laps_and_holes(
    pitbox: Run, nats_server: NatsServer, database: str, driver: Bus
) -> None:
    who: dict[str, Any] = {"session": "test", "driver": "ada", "at_ns": 1}
    session = Session(
        **who, source="f1", track="Spa", car_model="Alpine", kind="race", started_ns=1
    )
    laps = [
        Lap(**who, car="1", own=True, lap_number=number, revision=1, lap_time_s=seconds)
        for number, seconds in ((1, 91.5), (2, 74.142), (3, None))
    ]
    await write_facts(database, session, *laps)
    events = [chunk(0), chunk(1), chunk(5), mark(9, gone=((2, 3),))]
    stored = Database(database)
    async with serving(service(settings_of(nats_server.url, database))):
        await send(driver, events)

        async def all_there() -> bool:
            laps = await stored.value("select count(*) from lap")
            return laps == 3 and await stored.value("select made = 9 from run") is True

        await eventually(all_there, "all is stored")
    listed = json.loads(pitbox("sessions", "--json").stdout)
    assert listed == [
        {
            **{"session": "test", "driver": "ada", "source": "f1", "kind": "race"},
            **{"track": "Spa", "car_model": "Alpine", "laps": 2, "best_lap_time_s": 74.142},
            "pinned": False,
            "runs": [
                {
                    **{"run": 1, "made": 9, "closed": False, "have": 3, "dead": 0, "removed": 0},
                    **{"missing": [[4, 4], [6, 8]], "gone": [[2, 3]]},
                }
            ],
        }
    ]
    shown = pitbox("sessions").stdout
    for word in ("test", "ada", "Spa", "Alpine", "1:14.142"):
        assert word in shown
    assert pitbox("sessions", "elsewhere").stderr == "no session elsewhere\n"


async def test_laps_of_a_session_have_its_track_its_car_and_what_was_left_out(
    pitbox: Run, database: str
) -> None:
    event: dict[str, Any] = {"session": "test", "driver": "ada", "at_ns": 1, "car": "7"}
    lost = LeftOut(at_ns=1, reason="unknown", count=312)
    about = {"track": "Spa", "car_model": "Alpine", "started_ns": 1, "left_out": (lost,)}
    session = Session(**event, source="f1", **about)  # type: ignore[arg-type]
    own = Lap(**event, own=True, lap_number=1, revision=1, lap_time_s=91.5)
    await write_facts(database, session, own, msgspec.structs.replace(own, car="8", own=False))
    lines = pitbox("laps", "--session", "test", "--all").stdout.splitlines()
    assert "test · ada · Spa · Alpine · car 7" in lines
    assert "test · ada · Spa · car 8" in lines
    assert lines[-1] == "left out: 312 datagrams of an unknown kind"


async def test_control_characters_of_a_driver_are_escaped_in_the_terminal(
    pitbox: Run, database: str
) -> None:
    message = "[/x] \x1b]0;owned\x07\x9b31m"
    seen = message.translate(dict.fromkeys(map(ord, "\x1b\x07\x9b"), "\ufffd"))
    connection = await asyncpg.connect(database)
    event = {"session": "spa", "driver": "ada", "at_ns": 1, "car": message}
    lap = Lap(**event, own=True, lap_number=1, revision=1, lap_time_s=80.0)
    session = Session(**event, source="f1", track=message, car_model=message, started_ns=1)
    await write_facts(database, session, lap)
    await connection.execute("insert into run (session, driver, run) values ('spa', 'ada', 1)")
    await connection.execute(
        "insert into dead_letter values ('p', 'T', 1, 1, $1, $1, $2, 1, 1)",
        message,
        msgspec.msgpack.encode(message),
    )
    await connection.close()
    [letter] = json.loads(pitbox("dead", "list", "--json").stdout)
    shown = ("dead", "show", letter["name"])
    for command in (("sessions",), ("laps", "--session", "spa"), ("dead", "list"), shown):
        done = await asyncio.to_thread(pitbox, *command, COLUMNS="200")
        assert seen in done.stdout, (command, done.stderr)
        assert not set(done.stdout) & set("\x1b\x07\x9b")


@pytest.mark.parametrize(
    "command",
    [
        *[("streams", name) for name in ("plan", "apply", "graph", "asyncapi")],
        *[("dead", name) for name in ("list", "show", "retry")],
        *[(name,) for name in ("sessions", "settings", "run", "migrate")],
        *[("sessions", name) for name in ("delete", "pin", "unpin")],
    ],
    ids=" ".join,
)
def test_help_has_an_example(pitbox: Run, command: tuple[str, ...]) -> None:
    done = pitbox(*command, "--help")
    assert done.returncode == 0
    assert f"pitbox {' '.join(command)}" in " ".join(done.stdout.split())
    assert "Example:" in done.stdout
