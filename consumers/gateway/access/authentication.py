"""Authenticate requests by access token, and authorise them by the role table."""

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
"""The most pairs of name and address that are remembered for their own count of attempts."""


class Visitor(Struct, frozen=True):
    """Hold the person of an authenticated login and the drivers this person may see."""

    person: Person
    sight: Sight

    def shown(self, driver: str) -> str | None:
        """Return the driver name to query telemetry by, None when the driver hides it.

        No row has the name None, so a hidden driver and an unknown driver get the same answer by
        the same query.
        """
        return driver if self.sight.sees("telemetry", driver) else None

    @property
    def hidden(self) -> frozenset[str]:
        """Return the drivers whose telemetry this person may not see."""
        return self.sight.hidden


class Authenticator:
    """Check access tokens, passwords and tickets, and limit login attempts.

    Its connections to Postgres use the gateway's restricted role.
    """

    def __init__(self, archive: Pool, keys: str, passwords: Passwords) -> None:
        """Load the signing keys from the folder `keys`, making them if absent.

        Raises SettingsError when the folder or a key cannot be used.
        """
        folder = Path(keys).expanduser()
        self.tokens = Tokens(load_keys(folder))
        self.refresh_key = load_secret(folder)
        self.archive = archive
        self.passwords = passwords
        self.tickets = Tickets()
        self.by_name = Limit(5, 60)
        self.by_address = Limit(20, 60)
        self._familiar: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def visitors(self, sids: Iterable[str]) -> dict[str, Visitor]:
        """Return the visitor of each login id that is still valid; raises PostgresDown."""
        async with self.archive.connection() as connection:
            people = await logins.alive(connection, sids)
            decided = await consent.decided(connection)
        return {
            sid: Visitor(person, consent.sight(decided, person.role, person.driver))
            for sid, person in people.items()
        }

    async def visitor(self, authorization: str) -> Visitor:
        """Return the visitor of an Authorization header.

        Raises NotAuthorizedException when the token or its login is not valid, or PostgresDown.
        """
        if not authorization.startswith(SCHEME):
            raise _not_logged_in()
        try:
            access = self.tokens.read(authorization.removeprefix(SCHEME))
        except TokenError:
            raise _not_logged_in() from None
        found = (await self.visitors([access.sid])).get(access.sid)
        if found is None or found.person.account != access.sub:
            raise _not_logged_in()
        return found

    def count_attempt(self, address: str, name: str | None = None) -> None:
        """Count a login attempt against its address and, if given, its account name.

        Raises TooManyRequestsException above the limit, for existing and unknown names alike.
        """
        now_s = time.monotonic()
        wait_s = self.by_address.wait_s(address, now_s)
        if not wait_s and name is not None:
            wait_s = self.by_name.wait_s(self._attempts_key(name, address), now_s)
        if wait_s:
            raise TooManyRequestsException(
                "too many attempts: wait a minute, then try again",
                headers={"retry-after": str(int(wait_s) + 1)},
            )

    def forgive_attempt(self, address: str, name: str) -> None:
        """Take a successful attempt out of the counts."""
        now_s = time.monotonic()
        self.by_address.give_back(address, now_s)
        self.by_name.give_back(self._attempts_key(name, address), now_s)
        self._familiar[name, address] = None
        self._familiar.move_to_end((name, address))
        while len(self._familiar) > MAX_FAMILIAR:
            self._familiar.popitem(last=False)

    def _attempts_key(self, name: str, address: str) -> Hashable:
        """Return the key under which attempts are counted together.

        An address that has logged in to this account before has its own count. Otherwise guesses
        from elsewhere would lock the account's owner out.
        """
        return (name, address) if (name, address) in self._familiar else name


async def authorise(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Raise unless the requester's role may call the endpoint; store the visitor in the state.

    Raises NotAuthorizedException, PermissionDeniedException or PostgresDown. Endpoints that need no
    login pass without a visitor.
    """
    method = connection.scope.get("method", "GET")
    roles = allowed(str(method), connection.scope["path_template"])
    if roles is None:
        return
    auth: Authenticator = connection.app.state.auth
    visitor = await auth.visitor(connection.headers.get("authorization", ""))
    connection.state.visitor = visitor
    if visitor.person.role not in roles:
        raise PermissionDeniedException("your role does not allow this")


def address_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Return the client's address as attempts are counted by it: IPv4, or the /64 of IPv6."""
    host = connection.client.host if connection.client else ""
    return site_of(host)


@lru_cache(maxsize=4096)
def site_of(host: str) -> str:
    """Return an IPv4 address unchanged, and the /64 network of an IPv6 address.

    One customer usually has a whole /64. A dual-stack socket reports an IPv4 client as an
    IPv4-mapped IPv6 address, which is unwrapped. Returns "" for anything that is no address.
    """
    try:
        address = ip_address(host)
    except ValueError:
        return ""
    address = (address.version == 6 and address.ipv4_mapped) or address
    if address.version == 4:
        return str(address)
    return str(ip_network((address, IPV6_SITE_BITS), strict=False))


def _not_logged_in() -> NotAuthorizedException:
    return NotAuthorizedException("log in first", headers={"www-authenticate": "Bearer"})
