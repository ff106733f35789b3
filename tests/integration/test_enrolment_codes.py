"""Enrolment codes: one PC per code, within ten minutes, with few attempts."""

import asyncio
from collections.abc import AsyncIterator
from math import log2
from pathlib import Path
from typing import Any

import httpx
import pytest

from pitbox.identity.folder import KeysError
from pitbox.identity.nkeys import KeyPair, Kind
from pitbox.identity.proof import prove
from pitbox.people import enrolment_codes
from producers.uplink import enrolment
from schemas.keys import Enrol, Enrolled, Revoke, Revoked
from tests.tools import hub, people
from tests.tools.hub import Database, connected
from tests.tools.page import API, Served, gateway_of
from tests.tools.servers import NatsServer


@pytest.fixture
async def served(nats_server: NatsServer, database: str, tmp_path: Path) -> AsyncIterator[Served]:
    """Run a gateway with an owner."""
    await hub.apply(nats_server.url)
    async with gateway_of(nats_server.url, database, tmp_path) as running_gateway:
        yield running_gateway


@pytest.fixture
async def signed(nats_server: NatsServer, served: Served) -> AsyncIterator[list[Enrol]]:
    """Answer in place of the service keys; yield the requests it received."""
    requests: list[Enrol] = []

    async def sign(wish: Enrol) -> Enrolled:
        requests.append(wish)
        return Enrolled(driver=wish.driver, jwt=f"jwt of {wish.driver}", expires_s=60)

    async with connected(nats_server.url, "keys") as bus:
        await bus.answer("keys.enrol", sign)
        await hub.settled(bus)
        yield requests


async def made(served: Served, driver: str = "ada") -> dict[str, Any]:
    async with served.rest() as rest:
        answer = await rest.post("/enrolments", json={"driver": driver})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def code_of(served: Served) -> str:
    return str((await made(served))["code"])


async def state_of(served: Served, driver: str = "ada") -> dict[str, Any]:
    async with served.rest() as rest:
        body: dict[str, Any] = (await rest.get(f"/enrolments/{driver}")).json()
    return body


async def enrol(served: Served, code: str, pair: KeyPair, **changes: Any) -> httpx.Response:
    body = {"code": code, "public_key": pair.public, "proof": prove(pair, code)} | changes
    async with httpx.AsyncClient(base_url=served.address, timeout=20) as pc:
        return await pc.post(f"{API}/enrol", json=body)


async def test_asvs_6_4_1_6_5_1_a_code_enrols_one_pc(
    served: Served, signed: list[Enrol], nats_server: NatsServer
) -> None:
    pair, code = KeyPair.new(Kind.USER), await code_of(served)
    answer = await enrol(served, code.lower().replace("-", " "), pair, pc="rig-1")
    assert answer.status_code == 200, answer.text
    given = {"driver": "ada", "jwt": "jwt of ada", "expires_s": 60, "nats_url": nats_server.url}
    assert answer.json() == given
    assert signed == [Enrol(driver="ada", public_key=pair.public, pc="rig-1")]
    assert (await enrol(served, code, KeyPair.new(Kind.USER))).status_code == 401
    assert len(signed) == 1


async def test_a_code_used_by_two_pcs_at_once_enrols_one(
    served: Served, signed: list[Enrol]
) -> None:
    code = await code_of(served)
    pairs = [KeyPair.new(Kind.USER) for _ in range(4)]
    answers = await asyncio.gather(*(enrol(served, code, pair) for pair in pairs))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    assert len(signed) == 1


async def test_asvs_6_5_5_a_code_expires_after_ten_minutes_or_with_a_newer_one(
    served: Served, signed: list[Enrol], database: str
) -> None:
    pair = KeyPair.new(Kind.USER)
    old = await code_of(served)
    late = await code_of(served)
    assert (await enrol(served, old, pair)).status_code == 401
    stored = Database(database)
    lasts = (await stored.value("select max(expires - now()) from enrolment")).total_seconds()
    assert 590 < lasts <= enrolment_codes.LASTS.total_seconds()
    await stored.rows("update enrolment set expires = now()")
    assert (await enrol(served, late, pair)).status_code == 401
    assert signed == []


async def test_asvs_6_6_3_a_code_allows_five_attempts(
    served: Served, signed: list[Enrol], database: str
) -> None:
    pair, code = KeyPair.new(Kind.USER), await code_of(served)
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    for _ in range(5):
        assert (await enrol(served, wrong, pair)).status_code == 401
    assert (await enrol(served, code, pair)).status_code == 401
    assert signed == []
    assert code.replace("-", "") not in str(await Database(database).rows("table enrolment"))
    assert code.replace("-", "") not in str(await Database(database).rows("table audit"))


async def test_the_qr_code_stays_valid_after_failed_attempts_at_the_typed_code(
    served: Served, signed: list[Enrol], database: str
) -> None:
    codes = await made(served)
    link = codes["link_code"].replace("-", "")
    assert len(link) * log2(len(enrolment_codes.LETTERS)) >= 64
    wrong = codes["code"][:-1] + ("0" if codes["code"][-1] != "0" else "1")
    for _ in range(5):
        assert (await enrol(served, wrong, KeyPair.new(Kind.USER))).status_code == 401
    assert (await state_of(served))["tries_left"] == 0
    altered = link[:-1] + ("0" if link[-1] != "0" else "1")
    assert (await enrol(served, altered, KeyPair.new(Kind.USER))).status_code == 401
    assert (await enrol(served, codes["link_code"], KeyPair.new(Kind.USER))).status_code == 200
    assert (await enrol(served, codes["link_code"], KeyPair.new(Kind.USER))).status_code == 401
    assert link not in str(await Database(database).rows("table enrolment"))


async def test_the_state_of_a_code_is_shown(
    served: Served, signed: list[Enrol], database: str
) -> None:
    async with served.rest() as owner:
        assert (await owner.get("/enrolments/ada")).status_code == 404
    code = await code_of(served)
    open_state = await state_of(served)
    assert 590 < open_state.pop("expires_s") <= 600
    begins = code[:2]
    unused = {"driver": "ada", "begins": begins, "used": False, "pc": "", "tries_left": 5}
    assert open_state == unused
    assert (await enrol(served, code, KeyPair.new(Kind.USER), pc="rig-2")).status_code == 200
    used = await state_of(served)
    assert (used["used"], used["pc"]) == (True, "rig-2")
    async with served.rest() as owner:
        assert "ada on rig-2" in [entry["about"] for entry in (await owner.get("/audit")).json()]
    for pc in ("a b", "x" * 65, "<b>", "rig\n"):
        answer = await enrol(served, code, KeyPair.new(Kind.USER), pc=pc)
        assert answer.status_code == 400, pc
    await Database(database).rows("update enrolment set expires = now() - interval '1 second'")
    assert (await state_of(served))["expires_s"] == 0


async def test_a_public_pit_wall_without_an_address_for_pcs_makes_no_code(
    nats_server: NatsServer, database: str, tmp_path: Path
) -> None:
    await hub.apply(nats_server.url)
    async with gateway_of(nats_server.url, database, tmp_path, names="pit.example") as gateway:
        async with gateway.rest() as owner:
            refused = await owner.post("/enrolments", json={"driver": "ada"})
            ready = (await owner.get("/ready")).json()
        assert (refused.status_code, "NATS_URL" in refused.json()["detail"]) == (503, True)
        assert "PITBOX_GATEWAY__NATS_URL" in ready["notes"][0]
    addresses = {"names": "pit.example", "nats_url": "tls://pit.example:4222"}
    async with gateway_of(nats_server.url, database, tmp_path, **addresses) as gateway:
        assert (await made(gateway))["driver"] == "ada"
        async with gateway.rest() as owner:
            assert (await owner.get("/ready")).json()["notes"] == []


async def test_a_refused_pc_shows_the_reason(served: Served, tmp_path: Path) -> None:
    host = served.address.removeprefix("http://")
    code = await code_of(served)
    file = tmp_path / "driver.creds"
    with pytest.raises(KeysError, match="same code"):
        await asyncio.to_thread(enrolment.enrol, f"{code}@{host}", file)
    with pytest.raises(KeysError, match="wrong, used, expired"):
        await asyncio.to_thread(enrolment.enrol, f"ZZ-0000-0000@{host}", file)
    assert not file.exists()


async def test_a_proof_of_another_key_or_code_is_refused(
    served: Served, signed: list[Enrol]
) -> None:
    pair, other = KeyPair.new(Kind.USER), KeyPair.new(Kind.USER)
    code = await code_of(served)
    for proof in (prove(other, code), prove(pair, "another"), "", "AAAA"):
        assert (await enrol(served, code, pair, proof=proof)).status_code == 401
    assert (await enrol(served, code, pair)).status_code == 200


async def test_a_code_stays_valid_while_keys_does_not_answer(
    served: Served, nats_server: NatsServer
) -> None:
    pair, code = KeyPair.new(Kind.USER), await code_of(served)
    for _ in range(enrolment_codes.MAX_TRIES + 1):
        answer = await enrol(served, code, pair)
        assert answer.status_code == 503, answer.text
        assert "same code" in answer.json()["detail"]


async def test_asvs_8_2_2_drivers_enrol_themselves_and_nobody_else(
    served: Served, database: str
) -> None:
    async with httpx.AsyncClient(base_url=served.address) as rest:
        kai = await people.joined(rest, database, "kai", "driver", "KAI")
        gus = await people.joined(rest, database, "gus", "guest")
        for person, driver, status in ((kai, "KAI", 201), (kai, "ADA", 403), (gus, "KAI", 403)):
            answer = await rest.post(
                f"{API}/enrolments", json={"driver": driver}, headers=person.headers
            )
            assert answer.status_code == status, (person.name, driver)
            state = await rest.get(f"{API}/enrolments/{driver}", headers=person.headers)
            assert state.status_code == (200 if status == 201 else 403), (person.name, driver)


async def test_only_an_owner_makes_a_code_for_a_revoked_driver(
    served: Served, database: str
) -> None:
    await Database(database).rows(
        "insert into nats_account (driver, account, jwt, revoked) values ('KAI', 'A', 'j', now())"
    )
    async with httpx.AsyncClient(base_url=served.address) as rest:
        kai = await people.joined(rest, database, "kai", "driver", "KAI")
        eve = await people.joined(rest, database, "eve", "engineer")
        for person, status in ((kai, 403), (eve, 403), (served.person, 201)):
            answer = await rest.post(
                f"{API}/enrolments", json={"driver": "KAI"}, headers=person.headers
            )
            assert answer.status_code == status, (person.name, answer.text)


async def test_an_owner_lists_and_revokes_drivers(
    served: Served, nats_server: NatsServer, database: str
) -> None:
    await Database(database).rows(
        "insert into nats_account (driver, account, jwt) values ('ada', 'A', 'j')"
    )
    pair, requests = KeyPair.new(Kind.USER), list[Revoke]()
    await Database(database).rows(
        "insert into nats_user (public_key, driver, expires) values ($1, 'ada', now())", pair.public
    )

    async def revoke(wish: Revoke) -> Revoked:
        requests.append(wish)
        return Revoked(driver=wish.driver, refused="" if wish.driver == "ada" else "is unknown")

    async with served.rest() as owner:
        [known] = (await owner.get("/drivers")).json()
        assert (known["driver"], known["revoked"]) == ("ada", None)
        assert [pc["public_key"] for pc in known["pcs"]] == [pair.public]
        assert (await owner.post("/drivers/ada/revoke")).status_code == 503
        async with connected(nats_server.url, "keys") as bus:
            await bus.answer("keys.revoke", revoke)
            await hub.settled(bus)
            assert (await owner.post("/drivers/ada/revoke")).status_code == 204
            lost = await owner.post(f"/drivers/ada/pcs/{pair.public}/revoke")
            assert lost.status_code == 204
            assert (await owner.post("/drivers/ada/pcs/U/revoke")).status_code == 400
            unknown = await owner.post("/drivers/bob/revoke")
        assert (unknown.status_code, "is unknown" in unknown.json()["detail"]) == (400, True)
    whole, one, stranger = Revoke(driver="ada"), Revoke(driver="ada", pc=pair.public), "bob"
    assert requests == [whole, one, Revoke(driver=stranger)]
