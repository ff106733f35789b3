"""Requests to the service that signs NATS identities, and its answers (core NATS)."""

from typing import Annotated

from msgspec import Struct

from schemas.telemetry import Token
from schemas.text import text

DriverName = Token
"""A driver's name in subjects; the owner approves it by making an enrolment code."""

UserKey = Annotated[
    str, text(r"U[A-Z2-7]{55}", "the public key of a PC: U, then 55 capital letters and digits")
]
"""The public half of an Ed25519 key pair, as nkeys encodes it; the seed stays on the PC."""


PcName = Annotated[
    str, text(r"[0-9A-Za-z._-]{0,64}", "at most 64 letters, digits, '.', '_' and '-'")
]
"""The name that a PC gives itself, "" for none."""


KeyStart = Annotated[
    str, text(r"(U[A-Z2-7]{0,55})?", "the first letters of a PC's key, from the U on")
]
"""The first characters of a `UserKey`, enough to identify it; "" for none."""


class Enrol(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="keys.enrol"):
    """Allow a PC to publish as a driver; the requester has checked the code and the proof.

    A driver may have several PCs; the first one creates the driver's account.
    """

    driver: DriverName
    public_key: UserKey
    pc: PcName = ""


class Enrolled(Struct, frozen=True, kw_only=True, tag="keys.enrolled"):
    """Return the JWT that a PC connects with, or the reason of a refusal in `refused`.

    With `later` a retry may succeed.
    """

    driver: DriverName
    jwt: str = ""
    expires_s: int = 0
    refused: str = ""
    later: bool = False


class Renew(Struct, frozen=True, kw_only=True, tag="keys.renew"):
    """Request a JWT with a later expiry.

    The subject names the driver, and NATS lets only that driver's account publish on it.
    """

    driver: DriverName
    public_key: UserKey


class Renewed(Struct, frozen=True, kw_only=True, tag="keys.renewed"):
    """Return the next JWT, or the reason of a refusal in `refused`.

    With `later` a retry may succeed.
    """

    driver: DriverName
    jwt: str = ""
    expires_s: int = 0
    refused: str = ""
    later: bool = False


class Revoke(Struct, frozen=True, kw_only=True, omit_defaults=True, tag="keys.revoke"):
    """Revoke a driver with all PCs, until the driver is enrolled again.

    With `pc`, revoke only the PC whose public key begins so.
    """

    driver: DriverName
    pc: KeyStart = ""


class Revoked(Struct, frozen=True, kw_only=True, tag="keys.revoked"):
    """Confirm that nats-server has the revocation, or return the reason in `refused`.

    With `later` a retry may succeed.
    """

    driver: DriverName
    refused: str = ""
    later: bool = False
