"""TLS beyond loopback: accepted and refused connections, and programs that do not start."""

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
from tests.faults.ledger import read_ledger
from tests.tools.authority import Authority
from tests.tools.hub import Database, apply, eventually, serving, settings_of
from tests.tools.servers import NOWHERE, NatsServer, addresses, everything, free_port, running

COMMAND_S = 60
CLOSED_S = 20
TOKEN = "who-reads-the-metrics"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def public(tmp_path: Path, authority: Authority) -> Iterator[NatsServer]:
    """Run a nats-server that listens on every address, with TLS."""
    given = Nats(host="0.0.0.0", ca=authority.file, **authority.files("127.0.0.1"))
    server = NatsServer(tmp_path, given)
    with running(server):
        yield server


def reached(server: NatsServer, url: str = "", ca: str | None = None) -> Nats:
    """Return the settings of a connection with all permissions."""
    return Nats(
        url=url or server.url,
        ca=server.given.ca if ca is None else ca,
        credentials=str(everything(server.url)),
    )


async def refusal(server: Nats) -> str:
    """Return the reason for a refused connection."""
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
        # The app ends by itself once the receipts confirm that Postgres has every chunk.
        assert await asyncio.wait_for(driving.wait(), COMMAND_S) == 0
    driven = len(read_ledger(tmp_path / "ledger").committed)
    assert driven > 10
    assert await Database(database).value("select count(*) from telemetry") == driven


async def test_a_certificate_of_another_name_or_signer_is_refused(
    public: NatsServer, tmp_path: Path
) -> None:
    elsewhere = public.url.replace("127.0.0.1", "localhost")
    stranger = Authority(tmp_path / "stranger").file
    servers = (reached(public, elsewhere), reached(public, ca=stranger), reached(public, ca=""))
    named, *signed = await asyncio.gather(*map(refusal, servers))
    assert "not trusted, Hostname mismatch, certificate is not valid for 'localhost'" in named
    for line in signed:
        assert "its certificate is not trusted" in line
        assert "set PITBOX_NATS__CA to the file of the authority that signed it" in line


async def test_a_tls_client_sends_nothing_to_a_server_in_clear(
    nats_server: NatsServer, authority: Authority
) -> None:
    received = bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A nats-server's INFO in clear, as an attacker sends it to obtain credentials.
        writer.write(b'INFO {"nonce":"abc","headers":true,"max_payload":1000}\r\n')
        received.extend(await reader.read())
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1") as between:
        port = between.sockets[0].getsockname()[1]
        for url in (f"tls://127.0.0.1:{port}", f"tls://127.0.0.1:{nats_server.port}"):
            server = Nats(url=url, ca=authority.file, credentials=str(everything(nats_server.url)))
            assert "cannot reach nats-server" in await refusal(server)
    assert received
    assert received[0] == 22, "a handshake and nothing else"
    assert b"CONNECT" not in received


async def test_a_client_in_clear_receives_nothing(public: NatsServer) -> None:
    plain = Nats(url=f"nats://127.0.0.1:{public.port}", credentials=str(everything(public.url)))
    await refusal(plain)
    reader, writer = await asyncio.open_connection("127.0.0.1", public.port)
    writer.write(b'CONNECT {"verbose":true}\r\nPING\r\n')
    answer = await asyncio.wait_for(reader.read(), CLOSED_S)
    assert b"INFO" not in answer
    assert b"PONG" not in answer
    writer.close()


async def test_a_tls_link_reconnects_after_a_restart_of_the_hub(public: NatsServer) -> None:
    bus = await Bus.connect(reached(public), "", topology.load())
    try:
        public.kill()
        await eventually(lambda: _is(not bus.up.is_set()), "the loss is noticed")
        public.start()
        await eventually(bus.alive, "the hub is back")
    finally:
        await bus.close()


async def test_metrics_beyond_loopback_need_tls_and_token_and_no_silent_client_blocks_them(
    authority: Authority,
) -> None:
    port = free_port()
    given = Metrics(host="0.0.0.0", port=port, token=TOKEN, **authority.files("127.0.0.1"))
    metrics.serve(given)

    def read(authorization: str) -> tuple[int, str]:
        url = f"https://127.0.0.1:{port}/metrics"
        answer = httpx.get(
            url, headers={"authorization": authorization}, verify=authority.trusted, timeout=20
        )
        return answer.status_code, answer.text

    with socket.create_connection(("127.0.0.1", port)):
        status, text = await asyncio.to_thread(read, f"Bearer {TOKEN}")
        assert (status, "pitbox_nats_connected" in text) == (200, True)
    for authorization in ("", TOKEN, "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"):
        status, text = await asyncio.to_thread(read, authorization)
        assert (status, "pitbox" in text) == (401, False), authorization
        assert "PITBOX_METRICS__TOKEN" in text
    with pytest.raises(OSError):
        await asyncio.to_thread(
            urllib.request.urlopen, f"http://127.0.0.1:{port}/metrics", timeout=20
        )
    before = await asyncio.to_thread(authority.shown, port)
    authority.files("127.0.0.1")
    assert await asyncio.to_thread(authority.shown, port) != before


def test_metrics_without_a_token_do_not_listen_beyond_loopback(authority: Authority) -> None:
    open_to_all = Metrics(host="0.0.0.0", port=free_port(), **authority.files("127.0.0.1"))
    with pytest.raises(SettingsError, match=r"set the token .*or PITBOX_METRICS__TOKEN_FILE"):
        metrics.serve(open_to_all)
    with pytest.raises(SettingsError, match=r"PITBOX_METRICS__TOKEN: .*16 characters or more"):
        load({"PITBOX_METRICS__TOKEN": "too short"})


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.2", "hub.example.com"])
def test_nothing_listens_beyond_loopback_in_clear(host: str, tmp_path: Path) -> None:
    server = NatsServer(tmp_path)
    with pytest.raises(SettingsError, match=f"PITBOX_NATS__HOST: {host} can be .*: set "):
        config(server.trust, "/data", Nats(host=host), 4222)
    with pytest.raises(SettingsError, match="set PITBOX_METRICS__CERTIFICATE and "):
        metrics.serve(Metrics(host=host, port=free_port()))
    with pytest.raises(SettingsError, match="set PITBOX_NATS__CERTIFICATE and "):
        Stack(tmp_path, Supervisor(tmp_path / "record", print), Settings(nats=Nats(host=host)))


def test_nats_server_beyond_loopback_has_tls_and_no_port_for_monitoring(
    tmp_path: Path, authority: Authority
) -> None:
    server = NatsServer(tmp_path)
    given = Nats(host="::", **authority.files("hub.example.com"))
    written = config(server.trust, "/data", given, 4222)
    assert 'listen: "[::]:4222"' in written
    assert "http" not in written
    assert "handshake_first: true" in written


@pytest.mark.parametrize(
    ("command", "settings", "message"),
    [
        (("up",), {"PITBOX_NATS__HOST": "0.0.0.0"}, "set PITBOX_NATS__CERTIFICATE"),
        (
            ("run", "persister"),
            {"PITBOX_METRICS__HOST": "0.0.0.0", "PITBOX_METRICS__PORT": "1"},
            "set PITBOX_METRICS__CERTIFICATE",
        ),
        (("run", "gateway"), {"PITBOX_GATEWAY__HOST": "::"}, "set PITBOX_GATEWAY__CERTIFICATE"),
        (("run", "timing"), {"PITBOX_NATS__URL": "nats://hub:4222"}, "use tls://hub"),
        (("drive",), {"PITBOX_NATS__URL": "nats://hub:4222"}, "use tls://hub"),
        (
            ("run", "persister"),
            {"PITBOX_POSTGRES__URL": "postgresql://me:s3cr3t@db/pitbox"},
            "PITBOX_POSTGRES__URL: db is not this machine: add sslmode=verify-full",
        ),
        (
            ("run", "timing"),
            {"PITBOX_NATS__URL": "tls://hub:4222", "PITBOX_NATS__CA": "/nowhere.pem"},
            "PITBOX_NATS__CA: cannot use /nowhere.pem: No such file or directory",
        ),
    ],
)
def test_a_program_with_an_address_in_clear_does_not_start_and_names_the_setting(
    command: tuple[str, ...], settings: dict[str, str], message: str, tmp_path: Path
) -> None:
    server = NatsServer(tmp_path)
    hub = addresses(server.url, NOWHERE)
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
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert "s3cr3t" not in done.stderr


async def _is(condition: bool) -> bool:
    return condition
