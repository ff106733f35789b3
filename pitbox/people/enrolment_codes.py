"""Store enrolment codes: each enrols one PC of a driver, once, within ten minutes.

Each enrolment has two codes, and either one uses it up. The typed code has ten characters: a handle
of two, by which it is found, and a secret of eight (40 bits); it allows five attempts. The QR code
has 16 characters (80 bits) and is found by its hash: it cannot be guessed, and attempts at the
typed code do not count against it.
"""

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct

from schemas.api import EnrolmentCode, EnrolmentState

LASTS: Final = timedelta(minutes=10)
MAX_TRIES: Final = 5
MAX_OPEN: Final = 100
# Crockford's base 32 leaves out I, L, O and U; `MISREAD` reads O as 0, I and L as 1.
LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MISREAD: Final = str.maketrans("OIL", "011", "- ")
HANDLE: Final = 2
TYPED: Final = 10
LINK: Final = 16

TIDY: Final = "delete from enrolment where expires < now() or driver = $1"
COUNT: Final = "select count(*) from enrolment"
ADD: Final = """
insert into enrolment (handle, hash, link_hash, driver, made_by, expires)
values ($1, $2, $3, $4, $5::uuid, now() + $6) on conflict do nothing returning handle
"""
TRY: Final = f"""
update enrolment set tries = tries + 1
where handle = $1 and used is null and expires > now() and tries < {MAX_TRIES}
returning handle, driver, hash
"""
FIND: Final = """
select handle, driver from enrolment where link_hash = $1 and used is null and expires > now()
"""
USE: Final = """
update enrolment set used = now(), pc = $2 where handle = $1 and used is null returning driver
"""
GIVE_BACK: Final = """
update enrolment set used = null, pc = '', tries = greatest(tries - 1, 0) where handle = $1
"""
SHUT_OUT: Final = "select from nats_account where driver = $1 and revoked is not null"
STATE: Final = f"""
select driver, handle as begins, used is not null as used, pc, {MAX_TRIES} - tries as tries_left,
    greatest(ceil(extract(epoch from expires - now())), 0)::int as expires_s
from enrolment where driver = $1 order by expires desc limit 1
"""


class CorrectCode(Struct, frozen=True):
    """Hold the handle of a correct code and its driver."""

    handle: str
    driver: str


class TooManyError(Exception):
    """Report that the limit of unused codes is reached."""


async def make(connection: Any, driver: str, account: str, key: bytes) -> EnrolmentCode:
    """Make the two codes of a driver; older ones become invalid. Raises TooManyError.

    `account` is the id of the account that asked for them, `key` the key of the stored HMACs.
    """
    async with connection.transaction():
        await connection.execute(TIDY, driver)
        if await connection.fetchval(COUNT) >= MAX_OPEN:
            raise TooManyError
        while True:
            typed, link = _random(TYPED), _random(LINK)
            hashes = _hash(typed, key), _hash(link, key)
            row = (typed[:HANDLE], *hashes, driver, account, LASTS)
            if await connection.fetchval(ADD, *row) is not None:
                return EnrolmentCode(
                    driver=driver,
                    code=f"{typed[:2]}-{typed[2:6]}-{typed[6:]}",
                    link_code="-".join(link[at : at + 4] for at in range(0, LINK, 4)),
                    expires_s=int(LASTS.total_seconds()),
                )


async def check(connection: Any, given: str, key: bytes) -> CorrectCode | None:
    """Check a code; return None when it is wrong, used or expired.

    Each check of a typed code counts as one of its attempts.
    """
    code = plain(given)
    hashed = _hash(code, key)
    if len(code) == LINK:
        row = await connection.fetchrow(FIND, hashed)
        return None if row is None else CorrectCode(row["handle"], row["driver"])
    row = await connection.fetchrow(TRY, code[:HANDLE])
    if row is None or not hmac.compare_digest(row["hash"], hashed):
        return None
    return CorrectCode(row["handle"], row["driver"])


async def use(connection: Any, correct: CorrectCode, pc: str) -> bool:
    """Mark a correct code as used by a PC; return False when it was used meanwhile."""
    return await connection.fetchval(USE, correct.handle, pc) is not None


async def give_back(connection: Any, correct: CorrectCode) -> None:
    """Mark a code as unused again, because the identity could not be signed."""
    await connection.execute(GIVE_BACK, correct.handle)


async def is_shut_out(connection: Any, driver: str) -> bool:
    """Return whether a driver was revoked with all PCs."""
    return await connection.fetchrow(SHUT_OUT, driver) is not None


async def state(connection: Any, driver: str) -> EnrolmentState | None:
    """Return the state of a driver's latest code, None when there is none."""
    row = await connection.fetchrow(STATE, driver)
    return None if row is None else EnrolmentState(**row)


def plain(given: str) -> str:
    """Return a typed code in its stored form: upper case, without separators, misreads mended."""
    return given.upper().translate(MISREAD)


def _random(letters: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(letters))


def _hash(code: str, key: bytes) -> bytes:
    return hmac.new(key, b"enrolment " + code.encode(), hashlib.sha256).digest()
