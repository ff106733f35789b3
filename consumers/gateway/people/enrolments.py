"""Enrolment codes: typed once into a driver's PC, within ten minutes, with five tries.

A code begins with two letters that find it, so that each wrong guess counts against one code; the
other eight are its secret of 40 bits.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

LASTS: Final = timedelta(minutes=10)
MAX_TRIES: Final = 5
MAX_OPEN: Final = 100
# Crockford's base 32: no letter looks like a digit.
LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MISREAD: Final = str.maketrans("OIL", "011", "- ")
HANDLE: Final = 2
SECRET: Final = 8

TIDY: Final = "delete from enrolment where expires < now() or driver = $1"
COUNT: Final = "select count(*) from enrolment"
ADD: Final = """
insert into enrolment (handle, hash, driver, made_by, expires)
values ($1, $2, $3, $4::uuid, now() + $5) on conflict do nothing returning expires
"""
TRY: Final = f"""
update enrolment set tries = tries + 1
where handle = $1 and used is null and expires > now() and tries < {MAX_TRIES}
returning hash, driver
"""
USE: Final = "update enrolment set used = now() where handle = $1 and used is null returning driver"
GIVE_BACK: Final = "update enrolment set used = null, tries = tries - 1 where handle = $1"


class Code(Struct, frozen=True):
    """Hold a code as a person types it, and when it ends."""

    code: str
    expires: datetime


class TooManyError(Exception):
    """Say that too many codes are open."""


async def make(connection: Any, driver: str, account: str, key: bytes) -> Code:
    """Make a code for a driver, whose older code opens no more; raises TooManyError."""
    async with connection.transaction():
        await connection.execute(TIDY, driver)
        if await connection.fetchval(COUNT) >= MAX_OPEN:
            raise TooManyError
        while True:
            code = "".join(secrets.choice(LETTERS) for _ in range(HANDLE + SECRET))
            row = (code[:HANDLE], _hash(code, key), driver, account, LASTS)
            expires = await connection.fetchval(ADD, *row)
            if expires is not None:
                return Code(f"{code[:2]}-{code[2:6]}-{code[6:]}", expires)


async def tried(connection: Any, typed: str, key: bytes) -> str | None:
    """Return whose code this is, None when it is none; each call spends a try of one code."""
    code = plain(typed)
    row = await connection.fetchrow(TRY, code[:HANDLE])
    if row is None or not hmac.compare_digest(row["hash"], _hash(code, key)):
        return None
    return str(row["driver"])


async def use(connection: Any, typed: str) -> bool:
    """Use a code that was right, once; tell whether it was still there."""
    return await connection.fetchval(USE, plain(typed)[:HANDLE]) is not None


async def give_back(connection: Any, typed: str) -> None:
    """Let a code be used again, because nobody was there to sign."""
    await connection.execute(GIVE_BACK, plain(typed)[:HANDLE])


def plain(typed: str) -> str:
    """Return a code as it was made, however it was typed."""
    return typed.upper().translate(MISREAD)


def _hash(code: str, key: bytes) -> bytes:
    return hmac.new(key, b"enrolment " + code.encode(), hashlib.sha256).digest()
