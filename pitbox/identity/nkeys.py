"""Read, write and use Ed25519 keys in NATS's format: base32 of a kind, 32 bytes and a CRC-16.

The format is that of github.com/nats-io/nkeys, whose Python package has no wheels.
"""

import base64
import binascii
from enum import IntEnum
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SEED: Final = 18 << 3
KEY_BYTES: Final = 32
CRC_BYTES: Final = 2


class KeyFormatError(ValueError):
    """Report that a text is not a key; the message never contains the text."""


class Kind(IntEnum):
    """List the kinds of keys; a public key begins with O, A or U."""

    OPERATOR = 14 << 3
    ACCOUNT = 0
    USER = 20 << 3


class KeyPair:
    """Hold the key pair of an operator, account or user; printing it shows no secret."""

    def __init__(self, kind: Kind, private: Ed25519PrivateKey) -> None:
        self.kind = kind
        self._private = private
        self.public = _encode(bytes([kind]), private.public_key().public_bytes_raw())

    @classmethod
    def new(cls, kind: Kind) -> "KeyPair":
        """Make a new random key pair."""
        return cls(kind, Ed25519PrivateKey.generate())

    @classmethod
    def of_seed(cls, seed: str) -> "KeyPair":
        """Read a seed; raises KeyFormatError."""
        first, second, *rest = _decode(seed, 2 + KEY_BYTES)
        kind = (first & 7) << 5 | second >> 3
        if first & ~7 != SEED or kind not in [*Kind]:
            raise KeyFormatError("this is not the seed of an operator, an account or a user")
        return cls(Kind(kind), Ed25519PrivateKey.from_private_bytes(bytes(rest)))

    @property
    def seed(self) -> str:
        """Return the secret seed as text."""
        prefix = bytes([SEED | self.kind >> 5, (self.kind & 31) << 3])
        return _encode(prefix, self._private.private_bytes_raw())

    def sign(self, content: bytes) -> bytes:
        """Return the Ed25519 signature of `content`, 64 bytes."""
        return self._private.sign(content)


def verify(public: str, content: bytes, signature: bytes) -> bool:
    """Return whether the signature is that of the public key's holder; raises KeyFormatError."""
    _, *key = _decode(public, 1 + KEY_BYTES)
    try:
        Ed25519PublicKey.from_public_bytes(bytes(key)).verify(signature, content)
    except InvalidSignature:
        return False
    return True


def kind_of(public: str) -> Kind:
    """Return the kind of a public key; raises KeyFormatError."""
    try:
        return Kind(_decode(public, 1 + KEY_BYTES)[0])
    except ValueError:
        raise KeyFormatError(
            "this is not the public key of an operator, an account or a user"
        ) from None


def _encode(prefix: bytes, key: bytes) -> str:
    body = prefix + key
    crc = binascii.crc_hqx(body, 0).to_bytes(CRC_BYTES, "little")
    return base64.b32encode(body + crc).decode().rstrip("=")


def _decode(text: str, length: int) -> bytes:
    try:
        raw = base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        raise KeyFormatError("a key has only letters A to Z and digits 2 to 7") from None
    body, crc = raw[:-CRC_BYTES], raw[-CRC_BYTES:]
    if len(body) != length or binascii.crc_hqx(body, 0) != int.from_bytes(crc, "little"):
        raise KeyFormatError("the key is mistyped or of another kind")
    return body
