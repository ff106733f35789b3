"""REST returns what the persister stored."""

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from consumers.gateway.web import pages
from consumers.persister.service import service as persister
from schemas.api import PackedTraces
from schemas.channels import CHANNELS
from schemas.timing import Lap, Session
from tests.tools import hub
from tests.tools.hub import Database, connected, eventually, serving
from tests.tools.page import API, gateway_of, until_ready
from tests.tools.servers import NatsServer, PostgresServer, away

LAP = "/sessions/test/drivers/ada/laps/2/telemetry"
RANGE = "/sessions/test/drivers/ada/telemetry"
CHUNK_NS = 50_000_000
CHUNKS = tuple(number for number in range(10) if number not in (4, 5))
"""Of ten chunks of three frames, two are missing."""


def begins(number: int) -> int:
    return hub.START_NS + number * CHUNK_NS


def lap(number: int, **changes: Any) -> Lap:
    first = Lap(
        session="test", driver="ada", at_ns=5, car="7", own=True, lap_number=number, revision=1
    )
    return msgspec.structs.replace(first, **changes)


FACTS = (
    Session(session="test", driver="ada", at_ns=1, source="sim", track="Spa", started_ns=1),
    lap(2, started_ns=begins(1), ended_ns=begins(9) - 1, lap_time_s=0.4, sectors_s=(0.1, 0.3)),
    lap(3, started_ns=begins(9)),
    lap(2, car="8", own=False, lap_time_s=0.3),
)

REFUSED = (
    (f"{LAP}?channels=speed,sped", 400, "channels: no channel 'sped'"),
    (f"{LAP}?format=xml", 400, "format: "),
    (LAP.replace("laps/2", "laps/99"), 404, "lap_number: ada has no lap 99"),
    (LAP.replace("laps/2", "laps/two"), 400, "lap_number: "),
    (f"{RANGE}?from_ns=5", 400, "to_ns"),
    (f"{RANGE}?from_ns=x&to_ns=1", 400, "from_ns: "),
    (f"{RANGE}?from_ns=2&to_ns=1", 400, "from_ns: must not be after to_ns"),
    (f"{RANGE}?from_ns=0&to_ns={2**63}", 400, "to_ns: "),
    ("/sessions/nowhere", 404, "session: no session 'nowhere'"),
    ("/sessions/nowhere/laps", 404, "session: no session 'nowhere'"),
    ("/sessions/a%00b", 400, "session: "),
    ("/sessions/test/laps?own=perhaps", 400, "own: "),
    ("/sessions/test/laps?drivers=ada", 400, "drivers: this endpoint has no such parameter"),
    ("/nowhere", 404, ""),
)


@pytest.fixture
async def rest(
    nats_server: NatsServer, database: str, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of a gateway over data that a real persister stored."""
    await hub.apply(nats_server.url)
    stored = Database(database)

    async def everything() -> bool:
        return await stored.chunks() == list(CHUNKS) and await stored.value(
            "select count(*) = 3 from lap"
        )

    async with serving(persister(hub.settings_of(nats_server.url, database))):
        async with connected(nats_server.url) as drive:
            await hub.send(drive, [hub.chunk(number) for number in CHUNKS])
        await hub.write_facts(database, *FACTS)
        await eventually(everything, "everything is stored")
    async with (
        gateway_of(nats_server.url, database, tmp_path) as served,
        served.rest() as client,
    ):
        yield client


async def test_sessions_laps_and_holes_are_listed(rest: httpx.AsyncClient) -> None:
    [session] = (await rest.get("/sessions")).json()
    assert (await rest.get("/sessions/test")).json() == session
    [driver] = session["drivers"]
    assert (session["session"], driver["driver"]) == ("test", "ada")
    assert driver["session"]["track"] == "Spa"
    assert (driver["laps"], driver["best_lap_time_s"]) == (1, 0.4)
    assert driver["from_ns"] == begins(0)
    assert begins(9) < driver["to_ns"] < begins(10)

    laps = msgspec.json.decode((await rest.get("/sessions/test/laps")).content, type=list[Lap])
    assert laps == list(FACTS[1:])
    own = (await rest.get("/sessions/test/laps", params={"own": True, "driver": "ada"})).json()
    assert [found["lap_number"] for found in own] == [2, 3]
    assert (await rest.get("/sessions/test/laps", params={"driver": "bob"})).json() == []

    [hole] = (await rest.get("/sessions/test/holes")).json()
    assert (hole["driver"], hole["run"], hole["gone"]) == ("ada", 1, False)
    assert (hole["first_chunk"], hole["last_chunk"], hole["chunks"]) == (4, 5, 2)
    assert begins(3) < hole["from_ns"] < begins(4)
    assert hole["to_ns"] == begins(6)


async def test_a_lap_is_the_same_in_three_formats(rest: httpx.AsyncClient) -> None:
    query = {"channels": "speed,engine_rpm,world_x,fuel_level"}
    text = (await rest.get(LAP, params=query)).json()
    expected = [10.0 + number for number in CHUNKS[1:-1] for _ in range(3)]
    assert text["channels"] == ["speed", "world_x", "fuel_level"]
    assert text["units"] == ["m/s", "m", "l"]
    assert text["columns"] == [expected, [None] * len(expected), [40.0] * len(expected)]
    assert text["lap"]["lap_time_s"] == 0.4
    assert text["holes"] == [[(begins(3) + 32_000_000) / 1e6, begins(6) / 1e6]]

    answer = await rest.get(LAP, params=query, headers={"Accept": "application/vnd.msgpack"})
    assert answer.headers["content-type"] == "application/vnd.msgpack"
    packed = msgspec.msgpack.decode(answer.content, type=PackedTraces)
    assert np.frombuffer(packed.times, "<f8").tolist() == text["times_ms"]
    assert np.frombuffer(packed.columns[0], "<f4").tolist() == expected
    assert packed.lap == FACTS[1]

    answer = await rest.get(LAP, params=query | {"format": "csv"})
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == ["time_ms", "speed [m/s]", "world_x [m]", "fuel_level [l]"]
    assert rows[1] == [repr(text["times_ms"][0]), "11.0", "", "40.0"]
    assert rows.count([]) == 1


async def test_without_channels_all_channels_of_the_car_are_returned(
    rest: httpx.AsyncClient,
) -> None:
    given = [CHANNELS[channel].name for channel in hub.CHANNELS]
    assert (await rest.get(LAP)).json()["channels"] == given


async def test_a_lap_in_progress_is_returned_up_to_its_last_frame(rest: httpx.AsyncClient) -> None:
    running_lap = LAP.replace("laps/2", "laps/3")
    assert len((await rest.get(running_lap)).json()["times_ms"]) == 3


async def test_a_range_returns_its_frames_and_no_others(rest: httpx.AsyncClient) -> None:
    query = {"from_ns": begins(2) + 1, "to_ns": begins(4), "channels": "speed"}
    traces = (await rest.get(RANGE, params=query)).json()
    assert traces["columns"] == [[12.0, 12.0, 13.0, 13.0, 13.0]]
    # The hole extends beyond the range; the answer has only the part within it.
    assert traces["holes"] == [[(begins(3) + 32_000_000) / 1e6, begins(4) / 1e6]]
    nothing = (await rest.get(RANGE, params={"from_ns": 1, "to_ns": 2})).json()
    assert (nothing["times_ms"], nothing["holes"]) == ([], [])


async def test_a_refused_request_gets_one_sentence_that_names_the_parameter(
    rest: httpx.AsyncClient,
) -> None:
    for path, status, sentence in REFUSED:
        answer = await rest.get(path)
        assert answer.status_code == status, path
        assert answer.json()["status"] == status, path
        assert sentence in answer.json()["detail"], path


async def test_too_many_frames_for_an_answer_are_refused_before_they_are_read(
    rest: httpx.AsyncClient, database: str
) -> None:
    await Database(database).rows("update telemetry_chunk set frames = 50000")
    answer = await rest.get(LAP)
    assert answer.status_code == 400
    assert "ask for a shorter range" in answer.json()["detail"]


async def test_asvs_3_4_3_3_4_4_the_api_describes_itself_and_every_answer_is_guarded(
    rest: httpx.AsyncClient,
) -> None:
    described = (await rest.get("/openapi.json")).json()["paths"]
    assert f"{API}/sessions/{{session}}/drivers/{{driver}}/telemetry" in described
    assert (await rest.get("/streams.json")).json()["asyncapi"].startswith("3.")
    assert {"id": 30, "name": "speed"}.items() <= (await rest.get("/channels")).json()[30].items()
    for path in ("/health", "/nowhere", "/openapi.json"):
        headers = (await rest.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
    foreign = await rest.get("/health", headers={"Host": "evil.com"})
    assert foreign.status_code == 400


async def test_no_answer_of_the_api_is_compressed(rest: httpx.AsyncClient) -> None:
    """Its size could tell a secret in it to who sees the size and has a part of it sent back."""
    for path in ("/me", "/sessions", "/openapi.json", LAP):
        answer = await rest.get(path, headers={"accept-encoding": "gzip, deflate, br, zstd"})
        assert answer.status_code == 200, path
        assert "content-encoding" not in answer.headers, path


async def test_without_postgres_requests_fail_with_503_until_it_is_back(
    nats_server: NatsServer, postgres_server: PostgresServer, database: str, tmp_path: Path
) -> None:
    async with (
        gateway_of(nats_server.url, database, tmp_path) as served,
        served.rest() as client,
    ):
        with away(postgres_server):
            answer = await client.get("/sessions")
            assert (answer.status_code, answer.json()["status"]) == (503, 503)
            assert (await client.get("/ready")).json() == {
                "nats": True,
                "postgres": False,
                "notes": [],
            }
        await until_ready(served.port)
        assert (await client.get("/sessions")).json() == []


async def test_a_missing_build_shows_how_to_build_the_pages(tmp_path: Path) -> None:
    static = tmp_path / "static"
    async with AsyncTestClient(Litestar([pages.pages(static)])) as client:
        answer = await client.get("/")
        assert (answer.status_code, "make web" in answer.text) == (503, True)
        (static / "assets").mkdir(parents=True)
        (static / "index.html").write_text("<!doctype html>the wall")
        (static / "assets" / "wall.js").write_text("wall()")
        assert "the wall" in (await client.get("/")).text
        assert (await client.get("/assets/wall.js")).text == "wall()"
        assert (await client.get("/nowhere")).status_code == 404


async def test_asvs_5_3_2_no_path_leads_out_of_the_pages(tmp_path: Path) -> None:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "static-too").mkdir()
    (tmp_path / "static-too" / "secret").write_text("secret")
    up = ("..", "%2e%2e", "%2e.", "..%2f..", "..%5c..", "%252e%252e", "assets/../..", "//..")
    ways = [*(f"/{one}/secret" for one in up), "/../static-too/secret", f"/{tmp_path}/secret"]
    async with AsyncTestClient(Litestar([pages.pages(static)])) as client:
        for way in ways:
            answer = await client.get(httpx.URL(client.base_url, raw_path=way.encode()))
            assert answer.status_code in (400, 404), way
            assert "secret" not in answer.text, way
