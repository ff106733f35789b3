"""Check, hash and verify passwords in threads, because argon2 would block the event loop."""

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
    """Report that too many passwords wait to be hashed or verified."""


class Passwords:
    """Hash and verify passwords, two at a time, each in a thread."""

    def __init__(self, hasher: PasswordHasher = HASHER) -> None:
        """Prepare; `hasher` has the cost of a new hash, a stored hash names its own."""
        self._hasher = hasher
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="passwords")
        self._waiting = 0
        self._decoy = ""

    async def hashed(self, password: str) -> str:
        """Return the argon2id hash of a password; raises BusyError."""
        return await self._aside(self._hasher.hash, password)

    async def matches(self, kept: str | None, password: str) -> bool:
        """Return whether a password matches a stored hash; raises BusyError.

        Without a hash this takes as long, so that the time does not reveal whether a name exists.
        """
        if kept is None:
            self._decoy = self._decoy or await self.hashed(secrets.token_urlsafe())
            await self._aside(self._verify, self._decoy, password)
            return False
        return await self._aside(self._verify, kept, password) == "yes"

    def close(self) -> None:
        """Cancel the waiting work and end the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _aside(self, work: Callable[..., str], *words: str) -> str:
        if self._waiting >= MAX_WAITING:
            raise BusyError("too many people are logging in: try again in a moment")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, work, *words)
        finally:
            self._waiting -= 1

    def _verify(self, kept: str, password: str) -> str:
        try:
            self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return "no"
        return "yes"


def why_not(password: str, name: str) -> str | None:
    """Return why a password is not accepted, None when it is.

    Only length and common passwords count; there are no composition rules (NIST SP 800-63B).
    """
    folded = password.casefold()
    if len(password) < MIN_LENGTH:
        return f"password: use at least {MIN_LENGTH} characters"
    if len(password) > MAX_LENGTH:
        return f"password: use at most {MAX_LENGTH} characters"
    if len(set(folded)) < 5 or folded in (folded + folded)[1:-1]:
        return "password: repeats itself: choose another one"
    if folded in breached() or folded.strip("0123456789!?.@#$_- ") in breached():
        return "password: is on lists of stolen passwords: choose another one"
    if folded.replace(name.casefold(), "").strip("0123456789!?.@#$_- ") == "":
        return "password: is little more than your name: choose another one"
    return None


@lru_cache(maxsize=1)
def breached() -> frozenset[str]:
    """Return the thirty thousand most common passwords of zxcvbn's list."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])
