"""What is asked of the service that signs NATS identities, and what it answers (core NATS)."""

from typing import Annotated

from msgspec import Struct

from schemas.telemetry import Token
from schemas.text import text

DriverName = Token
"""A driver as subjects name him; it is approved when his enrolment code is made."""

UserKey = Annotated[
    str, text(r"U[A-Z2-7]{55}", "the public key of a PC: U, then 55 capital letters and digits")
]
"""The public half of an Ed25519 key pair that stays on the driver's PC, as nkeys writes it."""


PcName = Annotated[
    str, text(r"[0-9A-Za-z._-]{0,64}", "at most 64 letters, digits, '.', '_' and '-'")
]
"""What a PC calls itself, "" when nobody asked."""


KeyStart = Annotated[
    str, text(r"(U[A-Z2-7]{0,55})?", "the first letters of a PC's key, from the U on")
]
"""The beginning of one, enough to know it by; "" for none."""


class Enrol(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="keys.enrol"):
    """Let a PC send as a driver: who asks has checked the code, and the proof that goes with it.

    A driver may have several PCs; the first one makes his account.
    """

    driver: DriverName
    public_key: UserKey
    pc: PcName = ""


class Enrolled(Struct, frozen=True, kw_only=True, tag="keys.enrolled"):
    """Hand out what a PC connects with, or say in `refused` why not; `later` it may work."""

    driver: DriverName
    jwt: str = ""
    expires_s: int = 0
    refused: str = ""
    later: bool = False


class Renew(Struct, frozen=True, kw_only=True, tag="keys.renew"):
    """Ask for a later expiry; the subject says who asks, and his account proves it."""

    driver: DriverName
    public_key: UserKey


class Renewed(Struct, frozen=True, kw_only=True, tag="keys.renewed"):
    """Hand out the JWT that follows, or say in `refused` why not; `later` it may work."""

    driver: DriverName
    jwt: str = ""
    expires_s: int = 0
    refused: str = ""
    later: bool = False


class Revoke(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="keys.revoke"):
    """Shut a driver out, with every PC of his, until he is enrolled again.

    With `pc` only the one whose public key begins so.
    """

    driver: DriverName
    pc: KeyStart = ""


class Revoked(Struct, frozen=True, kw_only=True, tag="keys.revoked"):
    """Say that nats-server knows it, or in `refused` why not; `later` it may work."""

    driver: DriverName
    refused: str = ""
    later: bool = False
