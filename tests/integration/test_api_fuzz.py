"""The API answers any request without an error of the server."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from schemas.keys import Revoke, Revoked
from tests.tools import hub
from tests.tools.hub import connected
from tests.tools.page import API, gateway_of
from tests.tools.people import Person
from tests.tools.servers import NatsServer

CASES = int(os.environ.get("CASES", "2000"))
"""How many requests there are at least; `make schemathesis` sends more."""

ENDS_THE_LOGIN = "/logout"
OPTIONS = (
    *("--mode", "all", "--phases", "coverage,fuzzing", "--workers", "4"),
    *("--checks", "not_a_server_error", "--exclude-path-regex", ENDS_THE_LOGIN),
    *("--generation-deterministic", "--no-shrink", "--continue-on-failure", "--no-color"),
    *("--suppress-health-check", "all", "--warnings", "off"),
)


@pytest.mark.timeout(CASES / 10 + 120)
async def test_no_request_makes_the_gateway_fail(
    nats_server: NatsServer, database: str, tmp_path: Path
) -> None:
    await hub.apply(nats_server.url)
    async with (
        gateway_of(nats_server.url, database, tmp_path) as served,
        served.rest() as rest,
        connected(nats_server.url, "keys") as keys,
    ):
        await keys.answer("keys.revoke", _refuse)
        await hub.settled(keys)
        described = (await rest.get("/openapi.json")).json()["paths"]
        operations = sum(
            len(item) for path, item in described.items() if ENDS_THE_LOGIN not in path
        )
        output = await _fuzzed(
            f"{served.address}{API}/openapi.json",
            served.person,
            tmp_path,
            *("--max-examples", str(round(CASES / operations * 1.8))),
        )
        assert (await rest.get("/me")).status_code == 200, "the login lasted to the end"
    [passed] = re.findall(r"(\d+) generated, \1 passed", output) or pytest.fail(output)
    assert int(passed) >= CASES


async def _refuse(wish: Revoke) -> Revoked:
    return Revoked(driver=wish.driver, refused="is unknown")


async def _fuzzed(address: str, person: Person, folder: Path, *options: str) -> str:
    schemathesis = Path(sys.executable).with_name("schemathesis")
    authorization = f"Authorization: {person.headers['authorization']}"
    process = await asyncio.create_subprocess_exec(
        *(str(schemathesis), "run", address, "--header", authorization, *OPTIONS, *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,  # it writes files there
    )
    output, _ = await process.communicate()
    return output.decode()
