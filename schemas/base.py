"""The fields that every event of sessions and laps has."""

from msgspec import Struct

from schemas.telemetry import Token


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State a fact of a driver in a session; `at_ns` is the driver's clock, ns since 1970."""

    session: Token
    driver: Token
    at_ns: int
