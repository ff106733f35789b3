"""Services as processes, when killed, paused or stopped: stored rows, exit codes and logs."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from pitbox.nats.bus import Bus
from schemas.timing import Lap
from tests.tools import echo
from tests.tools.hub import (
    Database,
    apply,
    chunk,
    connected,
    eventually,
    letter,
    send,
    streams_with,
)
from tests.tools.servers import NOWHERE, NatsServer, PostgresServer, addresses, free_port

STOP_S = 20.0
MAX_RSS_BYTES = 300_000_000


@pytest.fixture
async def driver(nats_server: NatsServer) -> AsyncIterator[Bus]:
    await apply(nats_server.url)
    async with connected(nats_server.url) as bus:
        yield bus


def lap(number: int) -> Lap:
    return Lap(
        session="test", driver="ada", at_ns=0, car="1", own=True, lap_number=number, revision=1
    )


@contextmanager
def running(
    name: str, nats_url: str, database: str = NOWHERE, *, code: str = "pass", **settings: str
) -> Iterator[subprocess.Popen[str]]:
    """Run a service as a user would, after some code; keep its log and no process."""
    hub = addresses(nats_url, database)
    process = subprocess.Popen(
        [sys.executable, "-c", f"{code}; from commands.cli import main; main()", "run", name],
        env=os.environ | hub | settings,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        _, logged = process.communicate(timeout=60)
        print(logged)


def ended(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    """Send a signal; return the exit code and the log; fails if the service is slow to end."""
    process.send_signal(number)
    _, logged = process.communicate(timeout=STOP_S)
    return process.returncode, logged


@contextmanager
def paused(*processes: psutil.Process) -> Iterator[None]:
    """Pause processes with SIGSTOP during the block."""
    with ExitStack() as stack:
        for process in processes:
            process.suspend()
            stack.callback(process.resume)
        yield


async def test_a_persister_killed_repeatedly_loses_and_doubles_nothing(
    nats_server: NatsServer, driver: Bus, database: str
) -> None:
    stored = Database(database)
    sent = 0
    for _ in range(3):
        with running("persister", nats_server.url, database):
            before = sent

            async def something_new(before: int = before) -> bool:
                nonlocal sent
                await send(driver, [chunk(n) for n in range(sent, sent + 50)], "telemetry.live")
                sent += 50
                return len(await stored.chunks()) > before

            await eventually(something_new, "chunks are stored")
    kept = await stored.chunks()
    assert kept == sorted(set(kept))
    with running("persister", nats_server.url, database):
        missing = [chunk(n) for n in sorted(set(range(sent)) - set(kept))]
        await send(driver, missing or [chunk(0)])
        await eventually(lambda: stored.has(sent), "all chunks")


async def test_a_fact_in_progress_at_a_killed_persister_is_delivered_again(
    nats_server: NatsServer, database: str, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    impatient = streams_with(tmp_path, "persister", ack_wait="2s")
    await apply(nats_server.url, impatient)
    stored = Database(database)
    async with connected(nats_server.url, echo.NAME, echo.streams()) as fold:

        async def in_hand() -> bool:
            info = await fold.jetstream.consumer_info("DEAD", "persister")
            return info.num_ack_pending == 1

        async def both() -> bool:
            return await stored.value("select count(*) from dead_letter") == 2

        postmaster = psutil.Process(postgres_server.pid)
        with running("persister", nats_server.url, database) as process:
            await until_connected(nats_server, "persister")
            with paused(postmaster, *postmaster.children()):
                await fold.store("dead.letter", letter(1))
                await eventually(in_hand, "the first fact is in hand")
                process.kill()
        await fold.store("dead.letter", letter(2))
        with running("persister", nats_server.url, database):
            await eventually(both, "both facts")


async def test_memory_stays_small_however_long_postgres_is_away(
    nats_server: NatsServer, driver: Bus
) -> None:
    with running("persister", nats_server.url) as process:
        for start in range(0, 2000, 100):
            large = [chunk(n, observed=bytes(190_000)) for n in range(start, start + 100)]
            await send(driver, large)

        async def waits() -> bool:
            info = await driver.jetstream.consumer_info("TELEMETRY", "persister")
            return bool(info.num_ack_pending)

        await eventually(waits, "messages are held")
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            assert psutil.Process(process.pid).memory_info().rss < MAX_RSS_BYTES
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("name", ["persister", "timing"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_service_exits_cleanly_on_a_stop_signal(
    nats_server: NatsServer, driver: Bus, database: str, name: str, number: signal.Signals
) -> None:
    with running(name, nats_server.url, database) as process:
        await until_connected(nats_server, name)
        code, logged = ended(process, number)
    assert code == 0, logged
    assert "Traceback" not in logged


@pytest.mark.parametrize("name", ["persister", "timing"])
async def test_a_service_ends_in_time_while_its_servers_are_paused(
    nats_server: NatsServer,
    driver: Bus,
    database: str,
    postgres_server: PostgresServer,
    name: str,
) -> None:
    with running(name, nats_server.url, database) as process:
        await until_connected(nats_server, name)
        await send(driver, [chunk(n) for n in range(100)])
        postmaster = psutil.Process(postgres_server.pid)
        servers = [psutil.Process(nats_server.pid), postmaster, *postmaster.children()]
        with paused(*servers):
            code, logged = ended(process, signal.SIGTERM)
    assert code == 0, logged
    assert "Traceback" not in logged


@pytest.mark.parametrize("name", ["persister", "timing"])
def test_a_service_that_never_found_a_server_ends_in_time(name: str, tmp_path: Path) -> None:
    with running(name, NatsServer(tmp_path).url) as process:
        assert process.stderr is not None
        assert "waiting for nats-server" in process.stderr.readline()
        code, logged = ended(process, signal.SIGTERM)
    assert (code, "Traceback" in logged) == (0, False)


async def test_a_service_without_messages_for_too_long_exits_with_the_reason(
    nats_server: NatsServer, driver: Bus, database: str
) -> None:
    await send(driver, [chunk(0)])
    subject = "$JS.API.CONSUMER.PAUSE.TELEMETRY.persister"
    await driver.client.request(subject, b'{"pause_until":"2999-01-01T00:00:00Z"}')
    # The command line takes no such limit: the process gets another default.
    impatient = "from pitbox.nats.pull import Pull; Pull.__init__.__kwdefaults__['progress_s'] = .5"
    with running("persister", nats_server.url, database, code=impatient) as process:
        _, logged = await asyncio.to_thread(process.communicate, timeout=60)
    assert process.returncode == 1
    assert "TELEMETRY holds 1 messages and delivers none" in logged
    assert "Traceback" not in logged


@pytest.mark.parametrize(
    ("name", "setting", "value", "message"),
    [
        (
            "nobody",
            "PITBOX_LOG__LEVEL",
            "info",
            "no service 'nobody' in streams.yaml; it names persister",
        ),
        ("persister", "PITBOX_NATS__UR", "x", "PITBOX_NATS__UR is not a setting"),
        (
            "persister",
            "PITBOX_LOG__LEVEL",
            "loud",
            "PITBOX_LOG__LEVEL: it takes one of debug, error",
        ),
        ("persister", "PITBOX_STREAMS", "/nowhere", "no streams.yaml at /nowhere"),
        ("persister", "PITBOX_NATS__CREDENTIALS", "", "PITBOX_NATS__CREDENTIALS is not set"),
        ("persister", "PITBOX_NATS__CREDENTIALS", "/nowhere", "cannot read /nowhere"),
    ],
)
def test_a_mistake_of_the_user_is_one_line_and_exit_code_2(
    name: str, setting: str, value: str, message: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "commands", "run", name],
        env=os.environ | {setting: value},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_metrics_port_that_is_taken_is_named(tmp_path: Path, nats_server: NatsServer) -> None:
    taken = {"PITBOX_METRICS__PORT": str(nats_server.port)}
    with running("persister", nats_server.url, **taken) as process:
        _, logged = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "PITBOX_METRICS__PORT: cannot listen on 127.0.0.1" in logged


def test_log_lines_are_json_and_hold_no_password(tmp_path: Path) -> None:
    away = NatsServer(tmp_path)
    secret = {"PITBOX_NATS__URL": f"nats://me:s3cr3t@127.0.0.1:{away.port}"}
    with running("persister", away.url, PITBOX_LOG__FORMAT="json", **secret) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        _, rest = ended(process, signal.SIGTERM)
    for line in (first + rest).splitlines():
        assert json.loads(line)["service"] == "persister"
    assert "waiting for nats-server" in first
    assert "s3cr3t" not in first + rest


async def test_waiting_for_postgres_is_logged_once_and_without_its_password(
    nats_server: NatsServer, driver: Bus
) -> None:
    nowhere = "postgresql://me:s3cr3t@127.0.0.1:1/nothing"
    with running("persister", nats_server.url, nowhere) as process:
        assert process.stderr is not None
        streams = len(driver.topology.durables("persister"))
        first = [await asyncio.to_thread(process.stderr.readline) for _ in range(streams)]
        _, rest = ended(process, signal.SIGTERM)
    logged = "".join([*first, rest])
    assert logged.count("waiting for Postgres") == streams
    assert "s3cr3t" not in logged


async def test_a_process_shows_its_metrics(
    nats_server: NatsServer, driver: Bus, database: str
) -> None:
    port = free_port()
    stored = Database(database)
    with running("persister", nats_server.url, database, PITBOX_METRICS__PORT=str(port)):
        await send(driver, [chunk(n) for n in range(5)])
        await eventually(lambda: stored.has(5), "five chunks")

        async def counted() -> bool:
            text = await asyncio.to_thread(page, f"http://127.0.0.1:{port}/metrics")
            return 'pitbox_persister_rows_total{table="telemetry_chunk"} 5.0' in text

        await eventually(counted, "five rows are counted")
        shown = page(f"http://127.0.0.1:{port}/metrics")
    assert 'pitbox_nats_connected{service="persister"} 1.0' in shown
    assert "ada" not in shown


def page(address: str) -> str:
    """Return the text at an address."""
    with urllib.request.urlopen(address, timeout=5) as answer:
        text: str = answer.read().decode()
        return text


async def until_connected(server: NatsServer, name: str) -> None:
    """Wait until a service's process has a connection to nats-server."""

    async def connected_to() -> bool:
        running = psutil.process_iter(["cmdline"])
        found = [one for one in running if name in (one.info["cmdline"] or ())]
        # Processes of other tests have the same name, and may end meanwhile.
        for one in found:
            with suppress(psutil.NoSuchProcess):
                ports = [c.raddr.port for c in one.net_connections("tcp") if c.raddr]
                if server.port in ports:
                    return True
        return False

    await eventually(connected_to, f"{name} is connected")
