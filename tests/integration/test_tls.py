"""TLS beyond this machine: who is let through, who is not, and who does not even start."""

import asyncio
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from commands.hub.nats_server import config
from commands.hub.stack import Stack
from commands.hub.supervisor import Supervisor
from consumers.persister.service import service
from pitbox import metrics, topology
from pitbox.nats.bus import Bus, BusDown
from pitbox.settings import Metrics, Nats, Settings, SettingsError, load
from tests.tools.authority import Authority
from tests.tools.hub import Database, apply, eventually, serving, settings_of
from tests.tools.servers import NatsServer, addresses, everything, free_port, running

COMMAND_S = 60
CLOSED_S = 20
TOKEN = "who-reads-the-metrics"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def public(tmp_path: Path, authority: Authority) -> Iterator[NatsServer]:
    """Run a nats-server that listens to everybody."""
    given = Nats(host="0.0.0.0", ca=authority.file, **authority.files("127.0.0.1"))
    server = NatsServer(tmp_path, given)
    with running(server):
        yield server


def reached(server: NatsServer, url: str = "", ca: str | None = None) -> Nats:
    """Return how one reaches it who may do everything."""
    return Nats(
        url=url or server.url,
        ca=server.given.ca if ca is None else ca,
        credentials=str(everything(server.url)),
    )


async def refusal(server: Nats) -> str:
    """Return why there is no connection."""
    with pytest.raises(BusDown) as raised:
        await Bus.connect(server, "", topology.load(), forever=False)
    return str(raised.value)


async def test_a_lap_goes_from_a_drivers_pc_to_postgres_and_its_receipts_come_back(
    public: NatsServer, database: str, tmp_path: Path
) -> None:
    await apply(public.url, ca=public.given.ca)
    hub = msgspec.structs.replace(settings_of(public.url, database), nats=reached(public))
    pc = {
        "PITBOX_NATS__CA": public.given.ca,
        "PITBOX_NATS__CREDENTIALS": str(public.driver("ada")),
        "PITBOX_DRIVER__SPOOL": str(tmp_path / "spool"),
    }
    whole = ("--source", "sim", "--laps", "1", "--speed", "50")
    async with serving(service(hub)):
        driving = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "commands", "drive", *whole, "--ledger", tmp_path / "ledger"),
            env=os.environ | addresses(public.url, database) | pc,
        )
        # The app ends by itself once receipts say that Postgres has all of it.
        assert await asyncio.wait_for(driving.wait(), COMMAND_S) == 0
    driven = len((tmp_path / "ledger").read_text().splitlines())
    assert driven > 10
    assert await Database(database).value("select count(*) from telemetry_chunk") == driven


async def test_a_hub_with_another_name_or_another_signer_is_not_believed(
    public: NatsServer, tmp_path: Path
) -> None:
    elsewhere = public.url.replace("127.0.0.1", "localhost")
    stranger = Authority(tmp_path / "stranger").file
    servers = (reached(public, elsewhere), reached(public, ca=stranger), reached(public, ca=""))
    named, *signed = await asyncio.gather(*map(refusal, servers))
    assert "not believed, Hostname mismatch, certificate is not valid for 'localhost'" in named
    for said in signed:
        assert "its certificate is not believed" in said
        assert "PITBOX_NATS__CA names the file of who signed it" in said


async def test_a_hub_in_clear_is_told_nothing_by_who_wants_tls(
    nats_server: NatsServer, authority: Authority
) -> None:
    heard = bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # What nats-server says in clear, as one would who wants to hear credentials.
        writer.write(b'INFO {"nonce":"abc","headers":true,"max_payload":1000}\r\n')
        heard.extend(await reader.read())
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1") as between:
        port = between.sockets[0].getsockname()[1]
        for url in (f"tls://127.0.0.1:{port}", f"tls://127.0.0.1:{nats_server.port}"):
            server = Nats(url=url, ca=authority.file, credentials=str(everything(nats_server.url)))
            assert "cannot reach nats-server" in await refusal(server)
    assert heard
    assert heard[0] == 22, "a handshake and nothing else"
    assert b"CONNECT" not in heard


async def test_who_speaks_in_clear_hears_nothing(public: NatsServer) -> None:
    plain = Nats(url=f"nats://127.0.0.1:{public.port}", credentials=str(everything(public.url)))
    await refusal(plain)
    reader, writer = await asyncio.open_connection("127.0.0.1", public.port)
    writer.write(b'CONNECT {"verbose":true}\r\nPING\r\n')
    answer = await asyncio.wait_for(reader.read(), CLOSED_S)
    assert b"INFO" not in answer
    assert b"PONG" not in answer
    writer.close()


async def test_a_link_by_tls_comes_back_when_the_hub_does(public: NatsServer) -> None:
    bus = await Bus.connect(reached(public), "", topology.load())
    try:
        public.kill()
        await eventually(lambda: _is(not bus.up.is_set()), "the loss is noticed")
        public.start()
        await eventually(bus.alive, "the hub is back")
    finally:
        await bus.close()


async def test_metrics_beyond_loopback_are_read_by_tls_and_token_and_no_silent_client_is_in_the_way(
    authority: Authority,
) -> None:
    port = free_port()
    given = Metrics(host="0.0.0.0", port=port, token=TOKEN, **authority.files("127.0.0.1"))
    metrics.serve(given)

    def read(said: str) -> tuple[int, str]:
        url = f"https://127.0.0.1:{port}/metrics"
        asked = httpx.get(url, headers={"authorization": said}, verify=authority.trusted, timeout=3)
        return asked.status_code, asked.text

    with socket.create_connection(("127.0.0.1", port)):
        status, told = await asyncio.to_thread(read, f"Bearer {TOKEN}")
        assert (status, "pitbox_nats_connected" in told) == (200, True)
    for said in ("", TOKEN, "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"):
        status, told = await asyncio.to_thread(read, said)
        assert (status, "pitbox" in told) == (401, False), said
        assert "PITBOX_METRICS__TOKEN" in told
    with pytest.raises(OSError):
        await asyncio.to_thread(
            urllib.request.urlopen, f"http://127.0.0.1:{port}/metrics", timeout=3
        )
    before = await asyncio.to_thread(authority.shown, port)
    authority.files("127.0.0.1")
    assert await asyncio.to_thread(authority.shown, port) != before


def test_metrics_that_anybody_could_read_do_not_listen_elsewhere(authority: Authority) -> None:
    open_to_all = Metrics(host="0.0.0.0", port=free_port(), **authority.files("127.0.0.1"))
    with pytest.raises(SettingsError, match=r"set what .*or PITBOX_METRICS__TOKEN_FILE"):
        metrics.serve(open_to_all)
    with pytest.raises(SettingsError, match=r"PITBOX_METRICS__TOKEN: .*16 characters or more"):
        load({"PITBOX_METRICS__TOKEN": "too short"})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.2", "hub.example.com"])
def test_nobody_listens_elsewhere_in_clear(host: str, tmp_path: Path) -> None:
    server = NatsServer(tmp_path)
    with pytest.raises(SettingsError, match=f"PITBOX_NATS__HOST: {host} is .* in clear: set "):
        config(server.trust, "/data", Nats(host=host), (4222, 8222))
    with pytest.raises(SettingsError, match="set PITBOX_METRICS__CERTIFICATE and "):
        metrics.serve(Metrics(host=host, port=free_port()))
    with pytest.raises(SettingsError, match="set PITBOX_NATS__CERTIFICATE and "):
        Stack(tmp_path, Supervisor(tmp_path / "record", print), Settings(nats=Nats(host=host)))


def test_what_only_this_machine_asks_listens_to_no_other(
    tmp_path: Path, authority: Authority
) -> None:
    server = NatsServer(tmp_path)
    given = Nats(host="::", **authority.files("hub.example.com"))
    written = config(server.trust, "/data", given, (4222, 8222))
    assert 'listen: "[::]:4222"' in written
    assert 'http: "127.0.0.1:8222"' in written
    assert "handshake_first: true" in written


@pytest.mark.parametrize(
    ("command", "settings", "said"),
    [
        (("up",), {"PITBOX_NATS__HOST": "0.0.0.0"}, "set PITBOX_NATS__CERTIFICATE"),
        (
            ("run", "persister"),
            {"PITBOX_METRICS__HOST": "0.0.0.0", "PITBOX_METRICS__PORT": "1"},
            "set PITBOX_METRICS__CERTIFICATE",
        ),
        (("run", "gateway"), {"PITBOX_GATEWAY__HOST": "::"}, "set PITBOX_GATEWAY__CERTIFICATE"),
        (("run", "timing"), {"PITBOX_NATS__URL": "nats://hub:4222"}, "it takes tls://hub"),
        (("drive",), {"PITBOX_NATS__URL": "nats://hub:4222"}, "it takes tls://hub"),
        (
            ("run", "persister"),
            {"PITBOX_POSTGRES__URL": "postgresql://me:s3cr3t@db/pitbox"},
            "PITBOX_POSTGRES__URL: db is not this machine: it takes sslmode=verify-full",
        ),
        (
            ("run", "timing"),
            {"PITBOX_NATS__URL": "tls://hub:4222", "PITBOX_NATS__CA": "/nowhere.pem"},
            "PITBOX_NATS__CA: cannot use /nowhere.pem: No such file or directory",
        ),
    ],
)
def test_a_program_that_would_speak_in_clear_does_not_start_and_says_what_to_set(
    command: tuple[str, ...], settings: dict[str, str], said: str, tmp_path: Path
) -> None:
    server = NatsServer(tmp_path)
    hub = addresses(server.url, "postgresql://nobody@127.0.0.1:1/nothing")
    if command == ("drive",):
        hub["PITBOX_NATS__CREDENTIALS"] = str(server.driver("ada"))
    done = subprocess.run(
        [sys.executable, "-m", "commands", *command],
        env=os.environ | hub | settings,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "s3cr3t" not in done.stderr


async def _is(condition: bool) -> bool:
    return condition
