"""The gateway where others reach it: with a certificate of its own, or behind a proxy."""

import shutil
import ssl
import subprocess
from pathlib import Path

import httpx
import msgspec
import pytest
import websockets

from consumers.gateway.service import service
from pitbox import settings
from tests import hub, people
from tests.page import API, gateway_of
from tests.servers import NatsServer, free_port

NAME = "pit.example.com"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Return a certificate for `NAME` and its key."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("no openssl on PATH to make a certificate with")
    made = tmp_path / "wall.pem", tmp_path / "wall.key"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    names = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1"]
    files = ["-out", str(made[0]), "-keyout", str(made[1])]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)
    return made


async def test_asvs_4_4_1_3_4_1_a_certificate_makes_all_of_it_tls(
    nats_server: NatsServer, database: str, tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    port, (file, key) = free_port(), certificate
    trusted = ssl.create_default_context(cafile=str(file))
    gateway = settings.Gateway(
        host="0.0.0.0",
        port=port,
        names=NAME,
        certificate=str(file),
        certificate_key=str(key),
        keys=str(tmp_path / "gateway-keys"),
    )
    given = msgspec.structs.replace(hub.settings_of(nats_server.url, database), gateway=gateway)
    async with (
        hub.serving(service(given)),
        httpx.AsyncClient(base_url=f"https://127.0.0.1:{port}", verify=trusted) as rest,
    ):

        async def ready() -> bool:
            try:
                return (await rest.get(f"{API}/health")).status_code == 200
            except httpx.TransportError:
                return False

        await hub.eventually(ready, "the gateway serves")
        answer = await rest.get(f"{API}/health", headers={"host": NAME})
        assert answer.status_code == 200
        assert "max-age=31536000" in answer.headers["strict-transport-security"]
        foreign = await rest.get(f"{API}/health", headers={"host": "evil.com"})
        assert foreign.status_code == 400
        ann = await people.signed_in(rest, database)
        ticket = (await rest.post(f"{API}/ws-ticket", headers=ann.headers)).json()["ticket"]
        address = f"wss://127.0.0.1:{port}{API}/live?ticket={ticket}"
        async with websockets.connect(address, ssl=trusted, origin=f"https://127.0.0.1:{port}"):
            pass
        with pytest.raises(httpx.TransportError):
            async with httpx.AsyncClient() as plain:
                await plain.get(f"http://127.0.0.1:{port}{API}/health")


async def test_asvs_4_1_3_a_proxy_is_believed_and_nobody_before_it(
    nats_server: NatsServer, database: str, tmp_path: Path
) -> None:
    await hub.apply(nats_server.url)
    async with (
        gateway_of(nats_server.url, database, tmp_path, proxies="127.0.0.1") as served,
        httpx.AsyncClient(base_url=served.address) as rest,
    ):

        async def status(forwarded: str, name: str) -> int:
            headers = {"x-forwarded-for": forwarded, "x-forwarded-proto": "https"}
            asked = {"name": name, "password": "a wrong password"}
            answer = await rest.post(f"{API}/login", json=asked, headers=headers)
            assert "strict-transport-security" in answer.headers
            return answer.status_code

        # What the client itself claimed stands before what the proxy saw.
        statuses = [await status(f"10.9.9.{n}, 203.0.113.7", f"name{n}") for n in range(21)]
        assert statuses == [401] * 20 + [429]
        assert await status("203.0.113.8", "another") == 401
