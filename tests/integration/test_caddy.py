"""The gateway behind a real Caddy with the configuration of docs/internet.md."""

import os
import re
import shutil
import ssl
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import websockets
from websockets.typing import Origin

from tests.tools import people
from tests.tools.page import API, Page, gateway_of
from tests.tools.servers import NatsServer, Server, free_port, until

NAME: Final = "pit.example.com"
DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "internet.md"
SITE: Final = re.compile(rf"^{NAME} {{\n.*?^}}\n", re.MULTILINE | re.DOTALL)
OPTIONS: Final = """{{
	admin off
	local_certs
	skip_install_trust
	auto_https disable_redirects
	https_port {port}
}}
"""
GUESSES: Final = 20
"""The gateway checks this many wrong passwords from one address, then refuses."""


class Caddy(Server):
    """Run Caddy before a gateway as documented, with certificates that it signs itself."""

    name = "caddy"

    def __init__(self, folder: Path, program: str, gateway_port: int) -> None:
        super().__init__(folder, free_port())
        self._program = program
        documented = SITE.search(DOCUMENT.read_text())
        assert documented, f"{DOCUMENT.name} shows no site of Caddy"
        site = documented[0].replace("127.0.0.1:8000", f"127.0.0.1:{gateway_port}")
        (folder / "Caddyfile").write_text(OPTIONS.format(port=self.port) + site)

    def command(self) -> list[str]:
        """Return the command line; Caddy keeps its files in the test's folder."""
        where = [f"XDG_{kind}_HOME={self.folder}" for kind in ("DATA", "CONFIG")]
        file = str(self.folder / "Caddyfile")
        return ["env", *where, self._program, "run", "--adapter", "caddyfile", "--config", file]

    def trusted(self) -> ssl.SSLContext:
        """Wait for a certificate for `NAME`; return a TLS context that trusts this Caddy alone."""
        own = self.folder / "caddy"
        until(lambda: any(own.glob(f"certificates/*/{NAME}/{NAME}.crt")), "Caddy has a certificate")
        return ssl.create_default_context(cafile=str(own / "pki/authorities/local/root.crt"))


@pytest.fixture
def program() -> str:
    """Return the path of Caddy; skips if there is none, unless PITBOX_E2E=required."""
    found = shutil.which("caddy")
    if found:
        return found
    if os.environ.get("PITBOX_E2E") == "required":
        pytest.fail("no caddy on PATH")
    pytest.skip("no caddy on PATH")


def visitor(caddy: Caddy, trusted: ssl.SSLContext, address: str) -> httpx.AsyncClient:
    """Return a client with its own address, for which `NAME` resolves to Caddy."""

    async def by_name(request: httpx.Request) -> None:
        request.extensions["sni_hostname"] = NAME
        request.headers["host"] = f"{NAME}:{caddy.port}"

    return httpx.AsyncClient(
        base_url=f"https://127.0.0.1:{caddy.port}",
        transport=httpx.AsyncHTTPTransport(verify=trusted, local_address=address),
        event_hooks={"request": [by_name]},
    )


async def test_behind_caddy_pages_work_and_attempts_are_counted_by_client_address(
    nats_server: NatsServer, database: str, tmp_path: Path, program: str
) -> None:
    async with gateway_of(
        nats_server.url, database, tmp_path, names=NAME, proxies="127.0.0.1"
    ) as served:
        caddy = Caddy(tmp_path, program, served.port)
        caddy.start()
        try:
            trusted = caddy.trusted()
            async with (
                visitor(caddy, trusted, "127.0.0.2") as guesser,
                visitor(caddy, trusted, "127.0.0.3") as browser,
            ):
                tried = [await guess(guesser, n) for n in range(GUESSES + 1)]
                assert tried == [401] * GUESSES + [429]

                bea = await people.joined(browser, database, "bea", "engineer")
                answer = await browser.get(f"{API}/me", headers=bea.headers)
                assert answer.status_code == 200
                assert "max-age=31536000" in answer.headers["strict-transport-security"]
                ticket = (await browser.post(f"{API}/ws-ticket", headers=bea.headers)).json()[
                    "ticket"
                ]
                await watch(caddy, trusted, ticket)
        finally:
            caddy.stop()


async def guess(browser: httpx.AsyncClient, number: int) -> int:
    """Try a password with a forged forwarded address; return the status."""
    body = {"name": f"name{number}", "password": "a wrong password"}
    forged = {"x-forwarded-for": f"10.9.9.{number}"}
    return (await browser.post(f"{API}/login", json=body, headers=forged)).status_code


async def watch(caddy: Caddy, trusted: ssl.SSLContext, ticket: str) -> None:
    """Open the pit wall's socket by its public name, and receive an answer."""
    public: dict[str, Any] = {"host": "127.0.0.1", "port": caddy.port, "ssl": trusted}
    origin = f"{NAME}:{caddy.port}"
    async with websockets.connect(
        f"wss://{origin}{API}/live?ticket={ticket}", origin=Origin(f"https://{origin}"), **public
    ) as connection:
        await Page(connection).watch("test")
