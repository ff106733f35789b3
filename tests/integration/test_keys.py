"""A real signing service enrols, renews and revokes while cars drive."""

import asyncio
import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from commands.hub import enrolment
from commands.hub.output import Output
from consumers.keys.service import service as keys
from consumers.persister.service import service as persister
from pitbox import topology
from pitbox.identity import credentials, jwt
from pitbox.identity.folder import KeysError
from pitbox.identity.nkeys import KeyPair, Kind
from pitbox.nats.bus import Bus, BusDown
from pitbox.nats.connection import SHUT_OUT, LoginRefused
from pitbox.nats.resolver import Resolver
from pitbox.settings import Driver, Nats, Settings
from producers.drive import drive
from schemas.keys import Enrol, Enrolled, Renew, Renewed, Revoke, Revoked
from tests.faults.ledger import read_ledger
from tests.integration.test_drive import Car
from tests.tools.hub import (
    WAIT_S,
    Database,
    apply,
    chunk,
    connected,
    eventually,
    serving,
    settings_of,
)
from tests.tools.monitoring import monitored
from tests.tools.processes import pitbox
from tests.tools.servers import NatsServer

TRIES = 3
OPEN_CODES = "select driver from enrolment"


@pytest.fixture
async def hub(nats_server: NatsServer, database: str) -> AsyncIterator[Settings]:
    """Return the settings of a hub with a running persister; each test starts keys itself."""
    await apply(nats_server.url)
    settings = settings_of(nats_server.url, database)
    async with serving(persister(settings)):
        yield settings


@pytest.fixture
async def desk(nats_server: NatsServer) -> AsyncIterator[Bus]:
    """Yield a connection with the credentials of the hub's commands."""
    users = nats_server.keys / "users"
    bus = await Bus.connect(
        Nats(url=nats_server.url, credentials=str(users)), "setup", topology.load()
    )
    yield bus
    await bus.close()


async def enrolled(hub: Settings, driver: str, folder: Path) -> Path:
    file = folder / f"{driver}.creds"
    await enrolment.enrol(hub.nats, topology.load(), driver, file)
    return file


@contextlib.asynccontextmanager
async def on_track(
    hub: Settings, driver: str, file: Path, folder: Path
) -> AsyncIterator[tuple[Car, "asyncio.Task[None]"]]:
    """Drive a car during the block, with the credentials of a file."""
    car, stop = Car(), asyncio.Event()
    settings = Settings(
        nats=Nats(url=hub.nats.url, credentials=str(file)),
        driver=Driver(name=driver, spool=str(folder / f"{driver}-spool")),
    )
    with (folder / f"{driver}.ledger").open("a") as record:
        task = asyncio.create_task(drive(settings, car.observations(), stop, record=record))
        try:
            yield car, task
        finally:
            stop.set()
            await asyncio.wait({task})


def committed(folder: Path, driver: str) -> int:
    return len(read_ledger(folder / f"{driver}.ledger").committed)


async def stored(database: Database, driver: str) -> int:
    query = "select count(*) from telemetry where driver = $1"
    return int(await database.value(query, driver))


async def grows(database: Database, driver: str, by: int = 5) -> None:
    before = await stored(database, driver)

    async def grown() -> bool:
        return await stored(database, driver) >= before + by

    await eventually(grown, f"{driver} is heard")


async def test_a_driver_drives_until_revoked_and_others_are_unaffected(
    hub: Settings, desk: Bus, nats_server: NatsServer, database: str, tmp_path: Path
) -> None:
    rows = Database(database)
    async with serving(keys(hub)):
        ada, bea = await enrolled(hub, "ada", tmp_path), await enrolled(hub, "bea", tmp_path)
        async with (
            on_track(hub, "ada", ada, tmp_path),
            on_track(hub, "bea", bea, tmp_path) as (_, app),
        ):
            await grows(rows, "ada")
            await grows(rows, "bea")
            wish = Revoke(driver="ada")
            answer: Revoked = await desk.request("keys.revoke", wish, timeout_s=WAIT_S)
            assert answer == Revoked(driver="ada")
            assert await connections(nats_server, "ada") == 0
            left, kept = await stored(rows, "ada"), committed(tmp_path, "ada")
            await grows(rows, "bea")

            async def kept_on() -> bool:
                return committed(tmp_path, "ada") > kept + 10

            await eventually(kept_on, "the spool keeps what is driven")
            nats_server.kill()
            nats_server.start()
            await grows(rows, "bea")
            assert await stored(rows, "ada") <= left + 5
            assert not app.done()
            assert await connections(nats_server, "ada") == 0
            await enrolled(hub, "ada", tmp_path)
            await grows(rows, "ada", by=committed(tmp_path, "ada") - left)


async def messages(bus: Bus, driver: str) -> int:
    """Return the number of messages of a driver in the stream."""
    chosen = f"telemetry.{driver}.>"
    info = await bus.jetstream.stream_info("TELEMETRY", subjects_filter=chosen)
    return sum((info.state.subjects or {}).values())


async def test_the_messages_of_a_revoked_driver_are_purged_and_come_again_after_enrolment(
    nats_server: NatsServer, database: str, desk: Bus, tmp_path: Path
) -> None:
    await apply(nats_server.url)
    hub, rows = settings_of(nats_server.url, database), Database(database)
    async with serving(keys(hub)), connected(hub.nats.url) as bus:
        ada, bea = await enrolled(hub, "ada", tmp_path), await enrolled(hub, "bea", tmp_path)
        async with on_track(hub, "ada", ada, tmp_path), on_track(hub, "bea", bea, tmp_path):

            async def sent() -> bool:
                return await messages(bus, "ada") > 20 and await messages(bus, "bea") > 20

            await eventually(sent, "the stream has messages of both")
            await desk.request("keys.revoke", Revoke(driver="ada"), timeout_s=WAIT_S)

            async def purged() -> bool:
                return await messages(bus, "ada") == 0

            await eventually(purged, "the messages of the revoked driver are purged")
            assert await messages(bus, "bea") > 20
            async with serving(persister(hub)):
                await enrolled(hub, "ada", tmp_path)
                await grows(rows, "ada", by=committed(tmp_path, "ada"))


async def test_the_app_of_a_revoked_driver_logs_it_once_and_continues_after_enrolment(
    hub: Settings, desk: Bus, nats_server: NatsServer, database: str, tmp_path: Path
) -> None:
    rows, log = Database(database), nats_server.folder / "nats-server.log"
    async with serving(keys(hub)):
        file = await enrolled(hub, "ada", tmp_path)
        async with on_track(hub, "ada", file, tmp_path) as (_, app):
            await grows(rows, "ada")
            with capture_logs() as lines:
                await desk.request("keys.revoke", Revoke(driver="ada"), timeout_s=WAIT_S)

                async def tried_often() -> bool:
                    return log.read_text().count("authentication error") >= TRIES

                await eventually(tried_often, "it tries again and again")
            words = [line["event"] for line in lines if line["log_level"] != "info"]
            assert words == [SHUT_OUT]
            shown: list[str] = []
            output = Output(shown.append, lambda: 0.0, colours=False)
            output.started()
            for line in log.read_text().splitlines():
                output.show("nats", line)
            assert sum("authentication error" in line for line in shown) == 1, shown
            assert not [line for line in shown if "Account" in line]
            assert not app.done()
            await enrolled(hub, "ada", tmp_path)
            await grows(rows, "ada", by=committed(tmp_path, "ada") - await stored(rows, "ada"))


async def test_a_lost_pc_is_revoked_alone_until_it_is_enrolled_again(
    hub: Settings, desk: Bus, nats_server: NatsServer, database: str, tmp_path: Path
) -> None:
    rows = Database(database)
    async with serving(keys(hub)):
        lost = await enrolled(hub, "ada", tmp_path)
        (tmp_path / "other").mkdir()
        kept = await enrolled(hub, "ada", tmp_path / "other")
        key = credentials.read(lost).pair.public
        stolen = Nats(url=hub.nats.url, credentials=str(shutil.copy(lost, tmp_path / "stolen")))
        thief = await Bus.connect(stolen, "drive", topology.load(), forever=False)
        async with on_track(hub, "ada", kept, tmp_path) as (_, app):
            await grows(rows, "ada")
            wish = Revoke(driver="ada", pc="U")
            several: Revoked = await desk.request("keys.revoke", wish, timeout_s=WAIT_S)
            assert several.refused.startswith("several PCs of ada begin with U: ")
            wish = Revoke(driver="ada", pc=key[:12])
            one: Revoked = await desk.request("keys.revoke", wish, timeout_s=WAIT_S)
            assert one == Revoked(driver="ada")

            async def cut() -> bool:
                return not thief.up.is_set()

            await eventually(cut, "the lost PC is cut off")
            assert await connections(nats_server, "ada") == 1
            await grows(rows, "ada")
            assert not app.done()
            await thief.close()
            renewal = Renew(driver="ada", public_key=key)
            other = Nats(url=hub.nats.url, credentials=str(kept))
            bus = await Bus.connect(other, "drive", topology.load(), forever=False)
            renewed: Renewed = await bus.request("keys.renew", renewal)
            assert renewed.refused == "this PC is not enrolled"
            await bus.close()
            nats_server.kill()
            nats_server.start()
            with pytest.raises(BusDown):
                await Bus.connect(stolen, "drive", topology.load(), forever=False)
            await enrolled(hub, "ada", tmp_path)
            again = Nats(url=hub.nats.url, credentials=str(lost))
            bus = await Bus.connect(again, "drive", topology.load(), forever=False)
            assert (await bus.request("keys.renew", renewal)).refused == ""
            await bus.close()
            with pytest.raises(BusDown):
                await Bus.connect(stolen, "drive", topology.load(), forever=False)
            await grows(rows, "ada")


async def test_a_pc_is_revoked_even_if_the_clock_of_postgres_is_behind(
    hub: Settings, desk: Bus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + 600)
    async with serving(keys(hub)):
        lost = await enrolled(hub, "ada", tmp_path)
        pc = Nats(url=hub.nats.url, credentials=str(lost))
        thief = await Bus.connect(pc, "drive", topology.load(), forever=False)
        key = credentials.read(lost).pair.public
        await desk.request("keys.revoke", Revoke(driver="ada", pc=key), timeout_s=WAIT_S)
        await asyncio.wait_for(thief.down.wait(), WAIT_S)
        await thief.close()
        await enrolled(hub, "ada", tmp_path)
        bus = await Bus.connect(pc, "drive", topology.load(), forever=False)
        renewed: Renewed = await bus.request("keys.renew", Renew(driver="ada", public_key=key))
        assert renewed.refused == ""
        await bus.close()


async def connections(server: NatsServer, driver: str) -> int:
    """Return the number of connections of a driver's account that nats-server reports."""
    found = (await monitored(server, "CONNZ", {"auth": True, "limit": 1000}))["connections"]
    return sum(one.get("name_tag", "") == f"driver-{driver}" for one in found)


async def test_only_an_enrolled_pc_is_renewed(hub: Settings, desk: Bus, tmp_path: Path) -> None:
    stranger = KeyPair.new(Kind.USER).public
    async with serving(keys(hub)):
        ada, bea = await enrolled(hub, "ada", tmp_path), await enrolled(hub, "bea", tmp_path)
        bus = await Bus.connect(
            Nats(url=hub.nats.url, credentials=str(ada)), "drive", topology.load()
        )
        for key, refusal in (
            (stranger, "this PC is not enrolled"),
            (credentials.read(bea).pair.public, "this PC is not enrolled"),
        ):
            wish = Renew(driver="ada", public_key=key)
            assert await bus.request("keys.renew", wish) == Renewed(driver="ada", refused=refusal)
        forged = Renew(driver="bea", public_key=credentials.read(bea).pair.public)
        with pytest.raises(BusDown):
            await bus.request("keys.renew", forged, driver="ada", timeout_s=0.5)
        own = Renew(driver="ada", public_key=credentials.read(ada).pair.public)
        answer: Renewed = await bus.request("keys.renew", own)
        assert (answer.refused, answer.expires_s > time.time()) == ("", True)
        hasty: Renewed = await bus.request("keys.renew", own)
        assert hasty.refused == "the last renewal is less than a second ago"
        taken: Enrolled = await desk.request(
            "keys.enrol", Enrol(driver="eve", public_key=credentials.read(bea).pair.public)
        )
        assert taken.refused == "this PC's key belongs to another driver"
        await bus.close()


async def test_accounts_that_nats_server_lost_are_pushed_again(
    hub: Settings, nats_server: NatsServer, database: str, tmp_path: Path
) -> None:
    async with serving(keys(hub)):
        file = await enrolled(hub, "ada", tmp_path)
        nats_server.stop()
        shutil.rmtree(nats_server.folder / "nats" / "accounts")
        nats_server.start()
        async with on_track(hub, "ada", file, tmp_path):
            await grows(Database(database), "ada")


async def test_an_account_revoked_meanwhile_is_deleted_at_the_next_start(
    hub: Settings, desk: Bus, nats_server: NatsServer, tmp_path: Path
) -> None:
    accounts = nats_server.folder / "nats" / "accounts"
    async with serving(keys(hub)):
        file = await enrolled(hub, "ada", tmp_path)
        shutil.copytree(accounts, tmp_path / "older")
        await desk.request("keys.revoke", Revoke(driver="ada"), timeout_s=WAIT_S)
    nats_server.stop()
    shutil.copytree(tmp_path / "older", accounts, dirs_exist_ok=True)
    nats_server.start()
    server = Nats(url=hub.nats.url, credentials=str(file))
    async with serving(keys(hub)):

        async def refused() -> bool:
            try:
                await (await Bus.connect(server, "drive", topology.load(), forever=False)).close()
            except LoginRefused as error:
                return str(error) == SHUT_OUT
            return False

        await eventually(refused, "the old account is forgotten")


async def test_an_account_jwt_of_another_signer_is_replaced(
    hub: Settings, nats_server: NatsServer, tmp_path: Path
) -> None:
    """nats-server accepts such a JWT, then rejects the account's users until the next push."""
    forger = tmp_path / "forger"
    forger.mkdir()
    stranger = NatsServer(forger).authority()
    async with serving(keys(hub)):
        file = await enrolled(hub, "ada", tmp_path)
        account = credentials.account_of(credentials.read(file).jwt)
        resolver = Resolver()
        await resolver.open(hub.nats)
        await resolver.push(stranger.account_again("ada", account))
        await resolver.close()
    async with serving(keys(hub)):
        await enrolled(hub, "ada", tmp_path)
        nats = Nats(url=hub.nats.url, credentials=str(file))
        bus = await Bus.connect(nats, "drive", topology.load(), forever=False)
        assert await bus.store("telemetry.live", chunk(0)) == 1
        await bus.close()


async def test_one_process_signs_at_a_time(hub: Settings, desk: Bus, tmp_path: Path) -> None:
    async with serving(keys(hub)):
        await enrolled(hub, "ada", tmp_path)
        with capture_logs() as logs:
            async with serving(keys(hub)):

                async def waits() -> bool:
                    return any("another process signs" in str(line) for line in logs)

                await eventually(waits, "the second one waits")


async def test_a_name_with_wildcards_is_refused(hub: Settings, tmp_path: Path) -> None:
    key = KeyPair.new(Kind.USER).public
    async with serving(keys(hub)), connected(hub.nats.url, "setup") as anybody:
        await enrolled(hub, "ada", tmp_path)
        for name in ("*", ">", "x.>", "é", "a b", "", "a" * 65, "-a"):
            with pytest.raises(BusDown):
                wish = Enrol(driver=name, public_key=key)
                await anybody.request("keys.enrol", wish, timeout_s=0.3)
        with pytest.raises(BusDown):
            wish = Enrol(driver="eve", public_key="A" + key[1:])
            await anybody.request("keys.enrol", wish, timeout_s=0.3)


async def test_keys_that_nats_server_does_not_trust_are_refused(
    hub: Settings, nats_server: NatsServer
) -> None:
    (nats_server.keys / "operator-signer.seed").unlink()
    with pytest.raises(KeysError, match="start nats-server with the keys of"):
        keys(hub)


async def test_the_drivers_signing_key_is_rotated_without_a_disconnect(
    hub: Settings, nats_server: NatsServer, database: str, tmp_path: Path
) -> None:
    rows, authority = Database(database), nats_server.authority()
    async with serving(keys(hub)):
        ada = await enrolled(hub, "ada", tmp_path)
    authority.rotate_drivers()
    with pytest.raises(KeysError, match="not retired yet"):
        authority.rotate_drivers()
    async with on_track(hub, "ada", ada, tmp_path):
        async with serving(keys(hub)):
            await grows(rows, "ada")
            bea = await enrolled(hub, "bea", tmp_path)
        authority.retire_drivers()
        async with serving(keys(hub)):
            async with on_track(hub, "bea", bea, tmp_path):
                await grows(rows, "bea")
            await gone(nats_server, "ada")
            await enrolled(hub, "ada", tmp_path)
            await grows(rows, "ada")


async def test_the_accounts_signing_key_is_rotated_while_a_driver_drives_without_loss(
    hub: Settings, nats_server: NatsServer, database: str, tmp_path: Path
) -> None:
    rows = Database(database)
    old = nats_server.authority()

    async def run_keys(*command: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(pitbox, nats_server, database, "keys", *command)

    def start_again() -> None:
        nats_server.stop()
        nats_server.trust = nats_server.authority().trust()
        nats_server.start()

    async with contextlib.AsyncExitStack() as driving:
        async with serving(keys(hub)):
            file = await enrolled(hub, "ada", tmp_path)
            token = await rows.value("select jwt from nats_account")
            assert old.is_current(token)
            car, app = await driving.enter_async_context(on_track(hub, "ada", file, tmp_path))
            await grows(rows, "ada")
            assert (await run_keys("rotate-operator")).returncode == 0
            again = await run_keys("rotate-operator")
            assert "not retired yet" in again.stderr
            await enrolled(hub, "bea", tmp_path)  # keys has not been restarted
            await asyncio.to_thread(start_again)
            await grows(rows, "ada")
        early = await run_keys("retire-operator")
        assert "the old key still signs ada, bea;" in early.stderr
        async with serving(keys(hub)):
            await grows(rows, "ada")

            async def signed_anew() -> bool:
                tokens = await rows.rows("select jwt from nats_account")
                return all(nats_server.authority().is_current(row["jwt"]) for row in tokens)

            await eventually(signed_anew, "every account is signed anew")
            assert (await run_keys("retire-operator")).returncode == 0
            await asyncio.to_thread(start_again)
            await grows(rows, "ada")
            bea = Nats(url=hub.nats.url, credentials=str(tmp_path / "bea.creds"))
            await (await Bus.connect(bea, "drive", topology.load(), forever=False)).close()
            await enrolled(hub, "cat", tmp_path)
            car.parked.set()
            await asyncio.wait_for(app, WAIT_S)
    assert await stored(rows, "ada") == committed(tmp_path, "ada")
    issuer = jwt.verified(nats_server.trust.accounts[nats_server.trust.system])["iss"]
    operator = jwt.verified((nats_server.keys / "operator.jwt").read_text())
    assert operator["nats"]["signing_keys"] == [issuer]
    assert not nats_server.authority().is_current(token)


async def test_the_accounts_signing_key_is_not_rotated_without_the_operators_seed(
    nats_server: NatsServer, database: str
) -> None:
    (nats_server.keys / "operator.seed").unlink()
    for command in ("rotate-operator", "retire-operator"):
        done = await asyncio.to_thread(pitbox, nats_server, database, "keys", command)
        assert (done.returncode, "put operator.seed into" in done.stderr) == (2, True)


async def gone(server: NatsServer, driver: str) -> None:
    async def none() -> bool:
        return await connections(server, driver) == 0

    await eventually(none, f"{driver} is sent away")


async def test_new_service_keys_invalidate_the_old_ones(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    old = tmp_path / "old.creds"
    shutil.copy(nats_server.keys / "users" / "timing.creds", old)
    nats_server.stop()
    authority = nats_server.authority()
    authority.rotate_services()
    nats_server.trust = authority.trust()
    users = authority.write_users()
    nats_server.start()
    fresh = Nats(url=nats_server.url, credentials=str(users))
    await (await Bus.connect(fresh, "timing", topology.load(), forever=False)).close()
    with pytest.raises(BusDown):
        stale = Nats(url=nats_server.url, credentials=str(old))
        await Bus.connect(stale, "timing", topology.load(), forever=False)


async def test_commands_enrol_list_and_revoke(
    hub: Settings, desk: Bus, nats_server: NatsServer, database: str, tmp_path: Path
) -> None:
    def run_keys(*command: str) -> subprocess.CompletedProcess[str]:
        return pitbox(nats_server, database, "driver", *command)

    async with serving(keys(hub)):
        for name, file in (("ada", "a.creds"), ("bea", "b.creds")):
            done = await asyncio.to_thread(run_keys, "enrol", name, "--out", str(tmp_path / file))
            assert done.returncode == 0, done.stderr
        await Database(database).rows("""
            with maker as (insert into account (name, role) values ('ann', 'owner') returning *)
            insert into enrolment (handle, hash, driver, made_by, expires)
            select one, '', one, account, now() + interval '9 minutes'
            from maker, unnest(array['ada', 'bea']) as one
        """)
        key = credentials.read(tmp_path / "b.creds").pair.public
        again: Enrolled = await desk.request(
            "keys.enrol", Enrol(driver="bea", public_key=key, pc="rig-1")
        )
        assert again.jwt
        revoked = await asyncio.to_thread(run_keys, "revoke", "ada")
        assert revoked.stdout == "ada is revoked\n"
        assert [tuple(row) for row in await Database(database).rows(OPEN_CODES)] == [("bea",)]
        listed = json.loads((await asyncio.to_thread(run_keys, "list", "--json")).stdout)
        states = [(one["driver"], one["revoked"] is not None, len(one["pcs"])) for one in listed]
        assert states == [("ada", True, 0), ("bea", False, 1)]
        [pc] = listed[1]["pcs"]
        assert (pc["public_key"], pc["name"]) == (key, "rig-1")
        for start, message in (
            ("UUUU", "bea has no PC UUUU"),
            ("X", "no key of a PC begins with"),
        ):
            refused = await asyncio.to_thread(run_keys, "revoke", "bea", "--pc", start)
            assert (refused.returncode, message in refused.stderr) == (2, True)
        revoked = await asyncio.to_thread(run_keys, "revoke", "bea", "--pc", key[:8])
        assert revoked.stdout == f"the PC {key[:8]} of bea is revoked\n"
        shown = (await asyncio.to_thread(run_keys, "list")).stdout.splitlines()
        [row] = [line.split() for line in shown if key in line]
        assert row[:2] == ["rig-1", key]
        assert "revoked" in row
        for name, message in (
            ("eve", "no driver eve is enrolled"),
            ("*", "is not a driver's name"),
        ):
            refused = await asyncio.to_thread(run_keys, "revoke", name)
            assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
            assert message in refused.stderr
