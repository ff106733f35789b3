"""Secrets that are planted and then looked for in everything that the gateway leaves behind."""

import asyncio
import signal
import sys
from pathlib import Path

import asyncpg
import httpx
import pytest
import websockets

from schemas.wall import Ping, Pong
from tests import hub, people
from tests.page import API, Served, opened, until_ready
from tests.processes import environment
from tests.servers import NatsServer, free_port

PASSWORD = "canary-password-7f3a91"
WRONG = "canary-wrong-word-55c2"
TABLES = "select tablename from pg_tables where schemaname = 'public'"
FORGED = "canary-forged-token-0b1d"


async def test_asvs_16_2_5_no_secret_is_in_a_log_metric_answer_or_table(
    nats_server: NatsServer, database: str, tmp_path: Path
) -> None:
    await hub.apply(nats_server.url)
    port, metrics_port, log = free_port(), free_port(), tmp_path / "gateway.log"
    keys = tmp_path / "gateway-keys"
    settings = {
        "PITBOX_GATEWAY__PORT": str(port),
        "PITBOX_GATEWAY__KEYS": str(keys),
        "PITBOX_METRICS__PORT": str(metrics_port),
        "PITBOX_LOG__LEVEL": "debug",
    }
    told: list[str] = []

    async def keep(answer: httpx.Response) -> None:
        await answer.aread()
        told.append(answer.text)

    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pitbox", "run", "gateway"),
            env=environment(nats_server, database) | settings,
            stdout=file,
            stderr=file,
        )
        try:
            await until_ready(port)
            base = f"http://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=base, event_hooks={"response": [keep]}) as rest:
                planted = await _a_visit(
                    rest, Served(port, database, await _joined(rest, database))
                )
                metrics = (await rest.get(f"http://127.0.0.1:{metrics_port}/metrics")).text
        finally:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 10)
    left = {
        "the log": log.read_text(),
        "the metrics": metrics,
        "what was answered": "".join(told),
        "the database": await _tables(database),
        "the streams": "".join(str(path.read_bytes()) for path in _files(nats_server.store)),
    }
    secrets = [PASSWORD, WRONG, FORGED, *(path.read_bytes().hex() for path in keys.iterdir())]
    for place, text in left.items():
        for secret in secrets:
            assert secret not in text, f"{place} holds a secret"
    # These are answered once, to whom they belong, and are nowhere else.
    for secret in planted:
        for place in ("the log", "the metrics", "the database", "the streams"):
            assert secret not in left[place], f"{place} holds a token"


async def _joined(rest: httpx.AsyncClient, database: str) -> people.Person:
    secret = await people.invited(database, "kai", "owner")
    asked = {"secret": secret, "password": PASSWORD}
    return people.person_of(await rest.post(f"{API}/invitations/accept", json=asked))


async def _a_visit(rest: httpx.AsyncClient, served: Served) -> list[str]:
    """Do what people do, rightly and wrongly; return the tokens that were handed out."""
    kai = served.person
    for body in (
        {"name": "kai", "password": WRONG},
        {"name": "kai", "password": [WRONG]},
        {"name": WRONG * 40, "password": WRONG},
    ):
        assert (await rest.post(f"{API}/login", json=body)).status_code in (400, 401)
    forged = {"authorization": f"Bearer {FORGED}", "cookie": f"__Host-rt={FORGED}"}
    for path in ("me", f"sessions/{FORGED[:8]}/laps"):
        assert (await rest.get(f"{API}/{path}", headers=forged)).status_code == 401
    assert (await rest.post(f"{API}/refresh", headers=forged)).status_code == 401
    with pytest.raises(websockets.InvalidStatus):
        async with websockets.connect(f"ws://127.0.0.1:{served.port}{API}/live?ticket={FORGED}"):
            pass
    invited = await rest.post(
        f"{API}/accounts", json={"name": "lun", "role": "guest"}, headers=kai.headers
    )
    async with opened(served) as page:
        await page.say(Ping(token=1.0))
        await page.hear(Pong)
        ticket = page.connection.request.path if page.connection.request else ""
    rest.cookies.clear()
    renewed = people.person_of(
        await rest.post(f"{API}/refresh", headers={"cookie": f"__Host-rt={kai.refresh}"})
    )
    secret = invited.json()["secret"]
    return [kai.token, kai.refresh, renewed.token, renewed.refresh, secret, ticket.split("=")[-1]]


async def _tables(database: str) -> str:
    """Return every row of every table as text."""
    connection = await asyncpg.connect(database)
    try:
        names = await connection.fetch(TABLES)
        rows = [
            row[0]
            for name in names
            for row in await connection.fetch(f'select t::text from "{name[0]}" as t')
        ]
        return "\n".join(rows)
    finally:
        await connection.close()


def _files(folder: Path) -> list[Path]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    assert found, "there are streams to look into"
    return found
