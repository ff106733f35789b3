"""Make and verify access tokens: JWTs of type `at+jwt` (RFC 9068), verified as RFC 8725 says.

One algorithm (HS256) is accepted, and the key is found by `kid`.
"""

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
    """Report a token that is forged, expired, or not an access token of this gateway."""


class Access(Struct, frozen=True):
    """Hold the claims of an access token: its account (`sub`) and its login (`sid`)."""

    sub: str
    sid: str


class Tokens:
    """Make and verify access tokens; the first key signs, every key verifies."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._keys = keys
        self._newest = next(iter(keys))

    def make(self, account: str, sid: str) -> str:
        """Return an access token that is valid for ten minutes."""
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
        """Verify a token and return its claims.

        Raises TokenError without a reason, which would only help an attacker.
        """
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
    """Return the signing keys by name, newest first; make one if none is younger than 30 days.

    The previous key is kept, so that its tokens stay valid. Raises SettingsError.
    """
    made = sorted(_private(folder).glob("*.key"), reverse=True)
    if not made or time.time() - made[0].stat().st_mtime > KEY_LIFETIME_S:
        made.insert(0, _make(folder, f"{int(time.time()):010}-{secrets.token_hex(3)}.key"))
    for old in made[KEYS_KEPT:]:
        old.unlink(missing_ok=True)
    return {path.stem: _read(path) for path in made[:KEYS_KEPT]}


def load_secret(folder: Path) -> bytes:
    """Return the key from which refresh tokens are derived; raises SettingsError."""
    path = _private(folder) / "refresh.secret"
    return _read(path if path.exists() else _make(folder, path.name))


def _private(folder: Path) -> Path:
    """Return the folder, made if absent; raises SettingsError when others may read it."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        mode = folder.stat().st_mode & 0o777
    except OSError as error:
        raise SettingsError(
            f"PITBOX_GATEWAY__KEYS: cannot use {folder}: {error.strerror}"
        ) from None
    if os.name == "posix" and mode & 0o077:
        raise SettingsError(
            f"PITBOX_GATEWAY__KEYS: other users may read {folder}: run chmod 700 {folder}"
        )
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
            f"PITBOX_GATEWAY__KEYS: {path} is cut short: delete it (everybody has to log in again)"
        )
    return key
