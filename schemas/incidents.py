"""Incidents of a car: what went wrong, where, and by which numbers."""

from typing import Literal

from msgspec import Struct

Kind = Literal["spin", "contact", "stop"]


class Incident(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """State that a car spun, hit something or stood on the track.

    `at_ns` to `ended_ns` is the driver's clock. `distance_m` is from the line, None where no sim
    gives it; `corner` is the one it was at, "" on a straight. In a `spin` the car slid at most
    `turned_rad` away from its course; in a `contact` it lost speed faster than brakes can; a
    `stop` lasted `stood_s`, outside of the pit lane.
    """

    kind: Kind
    at_ns: int
    ended_ns: int
    before_mps: float
    after_mps: float
    distance_m: float | None = None
    corner: str = ""
    turned_rad: float | None = None
    stood_s: float | None = None
