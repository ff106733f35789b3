"""Access tokens (RFC 9068 by type, RFC 8725 by its checks): one algorithm, keys by `kid`."""

import os
import secrets
import time
from pathlib import Path
from typing import Any, Final

import jwt
import msgspec
from msgspec import Struct

from pitbox.settings import SettingsError

ALGORITHM: Final = "HS256"
TYPE: Final = "at+jwt"
ISSUER: Final = "pitbox"
AUDIENCE: Final = "pitbox-gateway"
LIFETIME_S: Final = 600
KEY_BYTES: Final = 32
KEY_LIFETIME_S: Final = 30 * 86_400
KEYS_KEPT: Final = 2
MAX_TOKEN_CHARACTERS: Final = 2048
REQUIRED: Final = ("iss", "aud", "sub", "sid", "jti", "iat", "exp")


class TokenError(Exception):
    """Say that a token is not ours, not for this, or not valid any more."""


class Access(Struct, frozen=True):
    """Hold what an access token says: which account, in which login."""

    sub: str
    sid: str


class Tokens:
    """Make and check access tokens; the first key signs, every key is known."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._keys = keys
        self._newest = next(iter(keys))

    def make(self, account: str, sid: str) -> str:
        """Return a token that lives for ten minutes."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": account,
            "sid": sid,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + LIFETIME_S,
        }
        headers = {"typ": TYPE, "kid": self._newest}
        return jwt.encode(claims, self._keys[self._newest], ALGORITHM, headers=headers)

    def read(self, token: str) -> Access:
        """Return what a token says; raises TokenError without saying what is wrong with it."""
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise TokenError
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(str(header.get("kid")))
            if key is None or header.get("typ") != TYPE:
                raise TokenError
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": list(REQUIRED), "strict_aud": True},
            )
            return msgspec.convert(claims, Access)
        except (jwt.PyJWTError, UnicodeEncodeError, msgspec.ValidationError):
            raise TokenError from None


def load_keys(folder: Path) -> dict[str, bytes]:
    """Return keys by name, the newest first; one is made where none is younger than 30 days.

    The one before is kept, so that tokens survive the change. Raises SettingsError.
    """
    made = sorted(_private(folder).glob("*.key"), reverse=True)
    if not made or time.time() - made[0].stat().st_mtime > KEY_LIFETIME_S:
        made.insert(0, _make(folder, f"{int(time.time()):010}-{secrets.token_hex(3)}.key"))
    for old in made[KEYS_KEPT:]:
        old.unlink(missing_ok=True)
    return {path.stem: _read(path) for path in made[:KEYS_KEPT]}


def load_secret(folder: Path) -> bytes:
    """Return the secret that successors of refresh tokens come from; raises SettingsError."""
    path = _private(folder) / "refresh.secret"
    return _read(path if path.exists() else _make(folder, path.name))


def _private(folder: Path) -> Path:
    """Return a folder that is for its owner alone, making it when it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        mode = folder.stat().st_mode & 0o777
    except OSError as error:
        raise SettingsError(
            f"PITBOX_GATEWAY__KEYS: cannot use {folder}: {error.strerror}"
        ) from None
    if os.name == "posix" and mode & 0o077:
        raise SettingsError(f"PITBOX_GATEWAY__KEYS: others may read {folder}: chmod 700 {folder}")
    return folder


def _make(folder: Path, name: str) -> Path:
    path = folder / name
    making = folder / f"{name}.making"
    making.unlink(missing_ok=True)
    making.touch(mode=0o600)
    making.write_bytes(secrets.token_bytes(KEY_BYTES))
    return making.rename(path)


def _read(path: Path) -> bytes:
    try:
        key = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"PITBOX_GATEWAY__KEYS: cannot read {path}: {error.strerror}") from None
    if len(key) < KEY_BYTES:
        raise SettingsError(
            f"PITBOX_GATEWAY__KEYS: {path} is cut short: delete it, and all log in anew"
        )
    return key
