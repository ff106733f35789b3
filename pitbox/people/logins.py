"""Store logins and rotate their refresh tokens.

A login is one person on one device. Each refresh token is used once. A second use within ten
seconds comes from another tab and gets the same successor. A later second use means that the token
was stolen, and the whole login ends (RFC 9700 section 4.14.2).
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final, Literal

from msgspec import Struct

from pitbox.people import secrets
from schemas.api import Role

IDLE: Final = timedelta(days=14)
ABSOLUTE: Final = timedelta(days=30)
GRACE: Final = timedelta(seconds=10)
MAX_LOGINS: Final = 20

# The lock serialises this with a change of the account: either this sees the change, or the change
# sees the new login and ends it.
UNCHANGED: Final = """
select from account
where account = $1::uuid and password is not distinct from $2 and not disabled for share
"""
BEGIN: Final = """
insert into login (account, ends) values ($1::uuid, now() + $2) returning sid::text
"""
TIDY: Final = "delete from login where account = $1::uuid and ends < now()"
CROWD: Final = f"""
update login set ended = now(), reason = 'too many logins' where sid in (
    select sid from login where account = $1::uuid and ended is null
    order by began desc offset {MAX_LOGINS}
)
"""
ADD_TOKEN: Final = """
insert into refresh_token (hash, sid, idle_until) values ($1, $2::uuid, now() + $3)
"""
ROTATE: Final = """
with spent as (
    update refresh_token as t set used = now()
    from login as l join account as a using (account)
    where t.hash = $1 and t.used is null and t.idle_until > now()
        and l.sid = t.sid and l.ended is null and l.ends > now() and not a.disabled
    returning t.sid, l.ends
), added as (
    insert into refresh_token (hash, sid, idle_until)
    select $2, sid, least(now() + $3, ends) from spent
)
select sid::text from spent
"""
SPENT: Final = """
select t.sid::text, l.account::text, t.used > now() - $2::interval as just_now
from refresh_token as t join login as l using (sid) join account as a using (account)
where t.hash = $1 and t.used is not null and l.ended is null and l.ends > now()
    and not a.disabled
"""
END: Final = """
update login set ended = now(), reason = $2 where sid = $1::uuid and ended is null
"""
END_ALL: Final = """
update login set ended = now(), reason = $2
where account = $1::uuid and ended is null and ($3::uuid is null or sid <> $3::uuid)
"""
ALIVE: Final = """
select l.sid::text, a.account::text, a.name, a.role, a.driver,
    a.password is not null as has_password
from login as l join account as a using (account)
where l.sid = any($1::uuid[]) and l.ended is null and l.ends > now() and not a.disabled
"""


class Person(Struct, frozen=True):
    """Hold the account of a valid login."""

    sid: str
    account: str
    name: str
    role: Role
    driver: str | None
    has_password: bool


class Rotated(Struct, frozen=True):
    """Hold the outcome of a refresh, with the token's login, account and successor.

    fresh: first use. again: a second use within ten seconds. stolen: a later second use, which has
    ended the login. unknown: none of these.
    """

    outcome: Literal["fresh", "again", "stolen", "unknown"]
    sid: str = ""
    account: str = ""
    successor: str = ""


class ChangedError(Exception):
    """Report that an account was disabled, or its password changed, during a login."""


async def begin(connection: Any, account: str, password: str | None) -> tuple[str, str]:
    """Begin a login; return its id and its first refresh token.

    Above `MAX_LOGINS` the account's oldest login ends. `password` is the hash that was checked.
    Raises ChangedError when it is not the current one.
    """
    refresh = secrets.make()
    async with connection.transaction():
        if await connection.fetchrow(UNCHANGED, account, password) is None:
            raise ChangedError
        await connection.execute(TIDY, account)
        sid = await connection.fetchval(BEGIN, account, ABSOLUTE)
        await connection.execute(ADD_TOKEN, secrets.digest(refresh), sid, IDLE)
        await connection.execute(CROWD, account)
    return sid, refresh


async def rotate(connection: Any, refresh: str, key: bytes) -> Rotated:
    """Use a refresh token; `key` derives its successor."""
    following = secrets.successor(refresh, key)
    hashed = secrets.digest(refresh)
    sid = await connection.fetchval(ROTATE, hashed, secrets.digest(following), IDLE)
    if sid is not None:
        return Rotated("fresh", sid, successor=following)
    spent = await connection.fetchrow(SPENT, hashed, GRACE)
    if spent is None:
        return Rotated("unknown")
    if spent["just_now"]:
        return Rotated("again", spent["sid"], spent["account"], following)
    await end(connection, spent["sid"], "refresh token used again")
    return Rotated("stolen", spent["sid"], spent["account"])


async def end(connection: Any, sid: str, reason: str) -> None:
    """End a login."""
    await connection.execute(END, sid, reason)


async def end_all(connection: Any, account: str, reason: str, but: str | None = None) -> None:
    """End every login of an account, except the login `but`."""
    await connection.execute(END_ALL, account, reason, but)


async def alive(connection: Any, sids: Iterable[str]) -> dict[str, Person]:
    """Return the person of each login id that is still valid."""
    rows = await connection.fetch(ALIVE, list(sids))
    return {row["sid"]: Person(**row) for row in rows}
