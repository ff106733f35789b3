"""Lists are whole over their pages, and no driver fills them at the others' cost."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from schemas.timing import Lap, Session
from tests.tools import hub
from tests.tools.hub import Database
from tests.tools.page import Served, gateway_of, opened
from tests.tools.servers import NatsServer

MADE_UP = 600
FOREIGN = 20_001
HOLES = 1200
RUNS = """
insert into run (session, driver, run, made, have, first_seen)
select name, $1, 1, 2, '{[0,2)}', now() + $3 * interval '1 ms' from unnest($2::text[]) as name
"""
LAPS = """
insert into lap (session, driver, car, lap_number, revision, at_ns, own, timed_by, sectors_s, valid,
    in_lap, out_lap, pit, complete, frames, run)
select 'race', $1, car::text, 1, 1, 1, $3, 'sim', '{}', true, false, false, false, true, 1, 1
from generate_series(1, $2::integer) as car
"""
TORN = """
update run set made = 2 * $2, have = (
    select range_agg(int4range(2 * n, 2 * n + 1)) from generate_series(0, $2::integer - 1) as n
) where driver = $1
"""


@pytest.fixture
async def served(nats_server: NatsServer, database: str, tmp_path: Path) -> AsyncIterator[Served]:
    """Run a gateway over a race of ada, zoe and mallory, who made up sessions, laps and holes."""
    await hub.apply(nats_server.url)
    stored = Database(database)
    for driver, laps, own in (("ada", 30, True), ("mallory", FOREIGN, False), ("zoe", 30, True)):
        await stored.rows(RUNS, driver, ["race"], 0)
        await stored.rows(LAPS, driver, laps, own)
        await stored.rows(TORN, driver, HOLES if driver == "mallory" else 3)
        fact = Session(session="race", driver=driver, at_ns=1, source="sim", started_ns=1)
        await hub.write_facts(database, fact)
    await stored.rows(RUNS, "mallory", [f"made-up-{n}" for n in range(MADE_UP)], 5)
    async with gateway_of(nats_server.url, database, tmp_path) as running:
        yield running


async def pages_of(
    rest: httpx.AsyncClient, path: str, **query: Any
) -> AsyncIterator[list[dict[str, Any]]]:
    """Yield the pages of a list, by their Link headers."""
    answer = await rest.get(path, params=query)
    while True:
        assert answer.status_code == 200, answer.text
        yield answer.json()
        if "next" not in answer.links:
            return
        answer = await rest.get(httpx.URL(str(answer.url)).join(answer.links["next"]["url"]))


async def rows_of(rest: httpx.AsyncClient, path: str, **query: Any) -> list[dict[str, Any]]:
    return [row async for page in pages_of(rest, path, **query) for row in page]


async def test_a_driver_of_many_sessions_hides_no_other_and_every_session_is_listed_once(
    served: Served,
) -> None:
    async with served.rest() as rest:
        [first, *more] = [page async for page in pages_of(rest, "/sessions")]
        names = [row["session"] for page in (first, *more) for row in page]
    assert "race" in [row["session"] for row in first]
    assert sorted(names) == sorted(["race", *(f"made-up-{n}" for n in range(MADE_UP))])


async def test_a_driver_of_many_laps_hides_no_others_and_every_lap_is_listed_once(
    served: Served,
) -> None:
    async with served.rest() as rest:
        [first, *more] = [page async for page in pages_of(rest, "/sessions/race/laps", limit=500)]
    assert [row["driver"] for row in first].count("ada") == 30
    assert [row["driver"] for row in first].count("zoe") == 30
    rows = [row for page in (first, *more) for row in page]
    keys = {(row["driver"], row["car"], row["lap_number"]) for row in rows}
    assert len(rows) == len(keys) == FOREIGN + 60


async def test_a_driver_of_many_holes_hides_no_others_and_every_hole_is_listed_once(
    served: Served,
) -> None:
    async with served.rest() as rest:
        [first, *more] = [page async for page in pages_of(rest, "/sessions/race/holes")]
    assert {row["driver"] for row in first} == {"ada", "mallory", "zoe"}
    rows = [row for page in (first, *more) for row in page]
    assert len({(row["driver"], row["first_chunk"]) for row in rows}) == len(rows) == HOLES + 6


async def test_a_list_that_grows_meanwhile_loses_no_row(served: Served, database: str) -> None:
    seen: list[str] = []
    async with served.rest() as rest:
        async for page in pages_of(rest, "/sessions", limit=100):
            seen += [row["session"] for row in page]
            newer = [f"newer-{len(seen)}-{n}" for n in range(7)]
            await Database(database).rows(RUNS, "mallory", newer, 10_000 + len(seen))
    assert {"race", *(f"made-up-{n}" for n in range(MADE_UP))} <= {*seen}


async def test_a_page_is_shown_the_laps_of_all_despite_a_driver_of_many(served: Served) -> None:
    async with opened(served) as page:
        await page.watch("race", "speed")
        for driver in ("ada", "zoe"):
            await page.receive(Lap, lambda lap, driver=driver: lap.driver == driver)


async def test_every_list_is_whole_over_pages_of_one_row(served: Served, database: str) -> None:
    lists: dict[str, dict[str, str]] = {
        **{"/accounts": {}, "/drivers": {}, "/consents": {}, "/audit": {}},
        "/sessions/race/laps": {"own": "true"},
    }
    async with served.rest() as rest:
        for number in range(3):
            wish = {"name": f"person{number}", "role": "driver", "driver": f"CAR{number}"}
            assert (await rest.post("/accounts", json=wish)).status_code == 201
            account = "insert into nats_account (driver, account, jwt) values ($1, $1, $1)"
            await Database(database).rows(account, f"CAR{number}")
        for path, query in lists.items():
            whole = (await rest.get(path, params=query)).json()
            once = await rows_of(rest, path, **query, limit=1)
            assert len(once) >= 3, path
            assert once == whole, path


@pytest.mark.parametrize("after", ["x", "WzFd", "bnVsbA", "WyJcdTAwMDAiXQ", "é", "a" * 3000])
async def test_a_position_of_no_list_is_refused_and_named(served: Served, after: str) -> None:
    paths = ("/sessions", "/sessions/race/laps", "/sessions/race/holes", "/accounts", "/audit")
    async with served.rest() as rest:
        for path in paths:
            answer = await rest.get(path, params={"after": after})
            assert answer.status_code == 400, (path, answer.text)
            assert answer.json()["detail"].startswith("after: "), path
        for limit in ("0", "501", "x"):
            answer = await rest.get("/sessions", params={"limit": limit})
            assert answer.json()["detail"].startswith("limit: ")


async def test_the_description_of_the_api_names_the_link_to_the_next_page(served: Served) -> None:
    async with served.rest() as rest:
        described = (await rest.get("/openapi.json")).json()["paths"]
    for path in ("sessions", "sessions/{session}/laps", "accounts", "audit", "drivers", "consents"):
        listed = described[f"/api/v1/{path}"]["get"]
        assert "link" in listed["responses"]["200"]["headers"]
        assert {"after", "limit"} <= {one["name"] for one in listed["parameters"]}
