"""Make opaque secrets of 256 random bits; only their SHA-256 is stored."""

import hashlib
import hmac
import secrets


def make() -> str:
    """Return a new secret in URL-safe base64, 43 characters."""
    return secrets.token_urlsafe(32)


def digest(secret: str) -> bytes:
    """Return the SHA-256 of a secret, to be stored.

    A slow hash is not needed: 256 random bits cannot be guessed.
    """
    return hashlib.sha256(secret.encode()).digest()


def successor(secret: str, key: bytes) -> str:
    """Return the successor of a secret: its HMAC-SHA-256 under `key`, in hex.

    It is derived, not random, so that two tabs that use one token at once get the same successor
    without storing it in clear.
    """
    return hmac.new(key, b"refresh " + secret.encode(), hashlib.sha256).hexdigest()
