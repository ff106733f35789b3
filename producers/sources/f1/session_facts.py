"""The facts of a session."""

from typing import Final

from msgspec import Struct

from schemas.sim import SessionKind, SessionOpened

KINDS: Final[dict[int, dict[SessionKind, range]]] = {
    2018: {"race": range(10, 12), "time_trial": range(12, 13)},
    2021: {"race": range(10, 13), "time_trial": range(13, 14)},
    2024: {"race": range(15, 18), "time_trial": range(18, 19)},
}
"""Session types by first format, except practice (1 to 4) and qualifying.

Qualifying is 5 to 9, with shootouts 10 to 14 since 2024.
"""


class Facts(Struct, frozen=True):
    """Hold the facts of a session that the game has sent so far."""

    version: str = ""
    kind: SessionKind = "unknown"
    track: str = ""
    track_length_m: float | None = None
    car: str = ""
    car_model: str = ""

    def opened(self, at_ns: int) -> SessionOpened:
        """Return the facts as an observation; a lap has three sectors."""
        return SessionOpened(
            at_ns=at_ns,
            source="f1",
            source_version=self.version,
            kind=self.kind,
            track=self.track,
            track_length_m=self.track_length_m,
            car=self.car,
            car_model=self.car_model,
            sectors=3,
        )


def kind_of(packet_format: int, session_type: int) -> SessionKind:
    """Return the kind of a session by its type, which depends on the format."""
    if 1 <= session_type <= 4:
        return "practice"
    if 5 <= session_type <= 9 or (packet_format >= 2024 and 10 <= session_type <= 14):
        return "qualifying"
    kinds = KINDS[max(since for since in KINDS if since <= packet_format)]
    return next((kind for kind, types in kinds.items() if session_type in types), "unknown")
