"""Passwords: which are taken, how they are kept, and checking them without stopping the wall."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 256
# OWASP's password storage cheat sheet: argon2id, 19 MiB, two passes, one lane.
HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
AT_ONCE: Final = 2
MAX_WAITING: Final = 32


class BusyError(Exception):
    """Say that too many passwords wait to be checked."""


class Passwords:
    """Hash and check passwords in threads of its own, two at a time."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords")
        self._waiting = 0
        self._nobody = ""

    async def hashed(self, password: str) -> str:
        """Return what to keep of a password; raises BusyError."""
        return await self._aside(HASHER.hash, password)

    async def fits(self, kept: str | None, password: str) -> bool:
        """Tell whether a password is the one that is kept; as slow where none is. Raises BusyError.

        A name that nobody has must not answer sooner than one that somebody has.
        """
        if kept is None:
            self._nobody = self._nobody or await self.hashed(secrets.token_urlsafe())
            await self._aside(_verify, self._nobody, password)
            return False
        return await self._aside(_verify, kept, password) == "yes"

    def close(self) -> None:
        """Leave what waits undone."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _aside(self, work: Callable[..., str], *words: str) -> str:
        if self._waiting >= MAX_WAITING:
            raise BusyError("too many people log in at once, try again")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, work, *words)
        finally:
            self._waiting -= 1


def why_not(password: str, name: str) -> str | None:
    """Return why a password is not taken, None when it is.

    There are no rules of composition (NIST SP 800-63B): only length, and what is guessed first.
    """
    folded = password.casefold()
    if len(password) < MIN_LENGTH:
        return f"password: must have at least {MIN_LENGTH} characters"
    if len(password) > MAX_LENGTH:
        return f"password: must have at most {MAX_LENGTH} characters"
    if len(set(folded)) < 5 or folded in (folded + folded)[1:-1]:
        return "password: repeats itself, take another"
    if folded in breached() or folded.strip("0123456789!?.@#$_- ") in breached():
        return "password: is known from stolen lists, take another"
    if folded.replace(name.casefold(), "").strip("0123456789!?.@#$_- ") == "":
        return "password: is little more than the name, take another"
    return None


@lru_cache(maxsize=1)
def breached() -> frozenset[str]:
    """Return the thirty thousand passwords that stolen lists have most often."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])


def _verify(kept: str, password: str) -> str:
    try:
        HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return "no"
    return "yes"
