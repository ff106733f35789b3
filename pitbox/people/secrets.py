"""Secrets that mean nothing by themselves: 256 random bits; only their SHA-256 is ever stored."""

import hashlib
import hmac
import secrets


def make() -> str:
    """Return a new secret, safe in an address and in a cookie."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """Return what to store of a secret. Plain SHA-256 does: there is nothing to guess in it."""
    return hashlib.sha256(secret.encode()).digest()


def successor(secret: str, key: bytes) -> str:
    """Return the secret that follows one, the same every time and only for who has the key.

    So two tabs that use one token at once get the same next one, and none is stored in clear.
    """
    return hmac.new(key, b"refresh " + secret.encode(), hashlib.sha256).hexdigest()
