"""Run the signing service."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from consumers.keys.enrolment import LIFE_S, Enrolment, Refused
from consumers.keys.register import AnotherSigns, Register
from consumers.keys.watch import Watch
from pitbox import logs, topology
from pitbox.identity.authority import Authority
from pitbox.nats.bus import Bus, BusDown
from pitbox.nats.resolver import Resolver
from pitbox.postgres.errors import PostgresDown
from pitbox.service.answer import Answer, Reply
from pitbox.service.lifetime import Service
from pitbox.settings import Settings, SettingsError
from schemas.keys import Enrol, Enrolled, Renew, Renewed, Revoke, Revoked

NAME: Final = "keys"
CHECK_EVERY_S: Final = 0.5
WATCH_EVERY_S: Final = 1.0
AWAY: Final = "Postgres or nats-server does not answer: try again"

log = logs.get(NAME)
Signed = TypeVar("Signed", Enrolled, Renewed, Revoked)


class Keys:
    """Answer requests to enrol, renew and revoke, and watch the drivers' traffic."""

    name = NAME

    def __init__(self, settings: Settings, life_s: int = LIFE_S) -> None:
        """Load the signing keys; `life_s` is the lifetime of a driver's JWT.

        Raises SettingsError without a key folder, KeysError when other users may read it.
        """
        if not settings.keys.folder:
            raise SettingsError("PITBOX_KEYS__FOLDER: set it to the folder of the signing keys")
        self._settings = settings
        self._topology = topology.load(settings.streams)
        self._authority = Authority(Path(settings.keys.folder).expanduser(), self._topology)
        self._authority.check()
        self._register = Register(settings.postgres.url)
        self._resolver = Resolver()
        self._enrolment = Enrolment(
            self._authority, self._register, self._resolver, settings.allowance, life_s
        )
        self._synced = 0

    @property
    def replies(self) -> Mapping[str, Reply]:
        """Return a function for each route, from the request to the event that answers it."""
        return {
            "keys.enrol": self._enrol,
            "keys.renew": self._renew,
            "keys.revoke": self._revoke,
        }

    async def open(self) -> None:
        """Connect to nats-server as the one that may change accounts."""
        own = str(self._authority.users)
        await self._resolver.open(replace(self._settings.nats, credentials=own))

    def duties(self, bus: Bus) -> Sequence[Coroutine[Any, Any, object]]:
        """Return the loops that keep nats-server and Postgres in step, and watch over drivers."""
        return self._keep_synced(), self._keep_watching(bus)

    async def close(self) -> None:
        """Disconnect."""
        await self._resolver.close()
        self._register.close()

    async def _keep_watching(self, bus: Bus) -> None:
        """Check the drivers' traffic every second, also while Postgres is down."""
        watch, warned = Watch(self._enrolment, self._resolver, bus, self._settings.allowance), ""
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            try:
                await watch.check()
                warned = ""
            except (PostgresDown, BusDown) as error:
                self._synced = 0  # nats-server may or may not have processed the last request
                if str(error) != warned:
                    warned = str(error)
                    log.warning("cannot check all drivers", reason=warned)

    async def _keep_synced(self) -> None:
        """Sync nats-server with Postgres after each reconnect of either."""
        warned = ""
        while True:
            try:
                if not self._register.is_open:
                    self._synced = 0
                    await self._open_register()
                if self._synced != self._resolver.connects:
                    self._synced = self._resolver.connects
                    await self._enrolment.sync()
                    warned = ""
                    log.info("nats-server has all drivers' accounts")
            except (PostgresDown, BusDown) as error:
                self._synced = 0
                if str(error) != warned:
                    warned = str(error)
                    log.warning("waiting", reason=warned)
            await asyncio.sleep(CHECK_EVERY_S)

    async def _open_register(self) -> None:
        """Connect to Postgres as the signing process; without it, read nats-server's accounts.

        Raises AnotherSigns, PostgresDown or BusDown.
        """
        try:
            await self._register.open()
        except AnotherSigns:
            await self._enrolment.stand_by()
            raise
        except PostgresDown:
            await self._enrolment.learn()
            raise

    async def _enrol(self, wish: Enrol) -> Enrolled:
        async def enrol() -> Enrolled:
            token, expires_s = await self._enrolment.enrol(wish)
            return Enrolled(driver=wish.driver, jwt=token, expires_s=expires_s)

        return await _or_refuse(enrol, Enrolled, wish.driver)

    async def _renew(self, wish: Renew) -> Renewed:
        async def renew() -> Renewed:
            token, expires_s = await self._enrolment.renew(wish.driver, wish.public_key)
            return Renewed(driver=wish.driver, jwt=token, expires_s=expires_s)

        return await _or_refuse(renew, Renewed, wish.driver)

    async def _revoke(self, wish: Revoke) -> Revoked:
        async def revoke() -> Revoked:
            if wish.pc:
                await self._enrolment.revoke_pc(wish.driver, wish.pc)
            else:
                await self._enrolment.revoke(wish.driver)
            return Revoked(driver=wish.driver)

        return await _or_refuse(revoke, Revoked, wish.driver)


async def _or_refuse(
    work: Callable[[], Awaitable[Signed]], kind: type[Signed], driver: str
) -> Signed:
    try:
        return await work()
    except Refused as error:
        return kind(driver=driver, refused=str(error))
    except (PostgresDown, BusDown) as error:
        log.warning("cannot sign now", reason=str(error))
        return kind(driver=driver, refused=AWAY, later=True)


def service(settings: Settings, life_s: int = LIFE_S) -> Service:
    """Return the signing service; raises SettingsError, KeysError or TopologyError.

    `life_s` is the lifetime of a driver's JWT.
    """
    return Answer(Keys(settings, life_s), settings)
