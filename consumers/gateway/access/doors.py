"""The doors: everything that decides who comes in, and the guard that every request passes."""

import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.exceptions import (
    NotAuthorizedException,
    PermissionDeniedException,
    TooManyRequestsException,
)
from litestar.handlers import BaseRouteHandler
from msgspec import Struct

from consumers.gateway.access.roles import allowed
from pitbox.people import consent, logins
from pitbox.people.consent import Sight
from pitbox.people.logins import Person
from pitbox.people.passwords import Passwords
from pitbox.people.tickets import Tickets
from pitbox.people.tokens import TokenError, Tokens, load_keys, load_secret
from pitbox.postgres.pool import Pool
from pitbox.service.limits import Limit

ROLE: Final = "pitbox_gateway"
SCHEME: Final = "Bearer "
IPV6_SITE_BITS: Final = 64
MAX_FAMILIAR: Final = 4096


class Visitor(Struct, frozen=True):
    """Say who asks, and what of drivers is for them."""

    person: Person
    sight: Sight

    def shown(self, driver: str) -> str | None:
        """Return the name to ask telemetry by: None, which nobody has, of a driver who hides it.

        So he is asked for, and answered, just as a driver who never was.
        """
        return driver if self.sight.sees("telemetry", driver) else None

    @property
    def hidden(self) -> frozenset[str]:
        """Return the drivers whose telemetry is not for them."""
        return self.sight.hidden


class Doors:
    """Hold keys, limits and tickets, and ask Postgres who is who."""

    def __init__(self, archive: Pool, keys: str) -> None:
        """Load or make the keys; raises SettingsError."""
        folder = Path(keys).expanduser()
        self.tokens = Tokens(load_keys(folder))
        self.refresh_key = load_secret(folder)
        self.archive = archive
        self.passwords = Passwords()
        self.tickets = Tickets()
        self.by_name = Limit(5, 60)
        self.by_address = Limit(20, 60)
        self._familiar: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def visitors(self, sids: Iterable[str]) -> dict[str, Visitor]:
        """Return who is logged in by which of these logins; raises PostgresDown."""
        async with self.archive.connection() as connection:
            people = await logins.alive(connection, sids)
            decided = await consent.decided(connection)
        return {
            sid: Visitor(person, consent.sight(decided, person.role, person.driver))
            for sid, person in people.items()
        }

    async def visitor(self, authorization: str) -> Visitor:
        """Return who asks; raises NotAuthorizedException or PostgresDown."""
        if not authorization.startswith(SCHEME):
            raise _unknown()
        try:
            access = self.tokens.read(authorization.removeprefix(SCHEME))
        except TokenError:
            raise _unknown() from None
        found = (await self.visitors([access.sid])).get(access.sid)
        if found is None or found.person.account != access.sub:
            raise _unknown()
        return found

    def count_try(self, address: str, name: str | None = None) -> None:
        """Take a try to log in; raises TooManyRequestsException, the same for every name."""
        now_s = time.monotonic()
        wait_s = self.by_address.wait_s(address, now_s)
        if not wait_s and name is not None:
            wait_s = self.by_name.wait_s(self._whose(name, address), now_s)
        if wait_s:
            raise TooManyRequestsException(
                "too many tries, wait a moment", headers={"retry-after": str(int(wait_s) + 1)}
            )

    def forgive_try(self, address: str, name: str) -> None:
        """Forget a try that was right."""
        now_s = time.monotonic()
        self.by_address.give_back(address, now_s)
        self.by_name.give_back(self._whose(name, address), now_s)
        self._familiar[name, address] = None
        self._familiar.move_to_end((name, address))
        while len(self._familiar) > MAX_FAMILIAR:
            self._familiar.popitem(last=False)

    def _whose(self, name: str, address: str) -> Hashable:
        """Return whose tries count together.

        Those of an address from which somebody came in before are his own: else whoever knows a
        name keeps him out by guessing elsewhere.
        """
        return (name, address) if (name, address) in self._familiar else name


async def admit(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Let in who may call the endpoint, and leave word of who it is."""
    method = connection.scope.get("method", "GET")
    roles = allowed(str(method), connection.scope["path_template"])
    if roles is None:
        return
    doors: Doors = connection.app.state.doors
    visitor = await doors.visitor(connection.headers.get("authorization", ""))
    connection.state.visitor = visitor
    if visitor.person.role not in roles:
        raise PermissionDeniedException("your role may not do this")


def address_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Return where a request comes from: an IPv4 address, or the site of an IPv6 one."""
    host = connection.client.host if connection.client else ""
    return site_of(host)


@lru_cache(maxsize=4096)
def site_of(host: str) -> str:
    """Return an IPv4 address as it is, of an IPv6 one the /64 that one customer has.

    What listens to both kinds is told an IPv4 address within an IPv6 one.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return ""
    address = (address.version == 6 and address.ipv4_mapped) or address
    if address.version == 4:
        return str(address)
    return str(ip_network((address, IPV6_SITE_BITS), strict=False))


def _unknown() -> NotAuthorizedException:
    return NotAuthorizedException("log in first", headers={"www-authenticate": "Bearer"})
