"""What every event has."""

from msgspec import Struct

from schemas.telemetry import Token


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Say what happened to a driver in a session; `at_ns` is the driver's clock, since 1970."""

    session: Token
    driver: Token
    at_ns: int
