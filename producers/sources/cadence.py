"""How often the cars of a race are sent: at the first frame of each fifth of a second."""

from typing import Final

CARS_HZ: Final = 5.0


def slot(session_time_s: float) -> int:
    """Return the number of the fifth of a second that a session time is in."""
    return int(session_time_s * CARS_HZ + 1e-6)
