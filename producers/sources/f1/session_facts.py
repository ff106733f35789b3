"""The session, the track and the car, by the game's numbers for them."""

from typing import Final

from msgspec import Struct

from producers.sources.f1.channels import Fields
from schemas.sim import SessionKind, SessionOpened

TRACKS: Final = {
    0: "Melbourne",
    1: "Paul Ricard",
    2: "Shanghai",
    3: "Sakhir",
    4: "Catalunya",
    5: "Monaco",
    6: "Montreal",
    7: "Silverstone",
    8: "Hockenheim",
    9: "Hungaroring",
    10: "Spa",
    11: "Monza",
    12: "Singapore",
    13: "Suzuka",
    14: "Abu Dhabi",
    15: "Austin",
    16: "Interlagos",
    17: "Red Bull Ring",
    18: "Sochi",
    19: "Mexico City",
    20: "Baku",
    21: "Sakhir Short",
    22: "Silverstone Short",
    23: "Austin Short",
    24: "Suzuka Short",
    25: "Hanoi",
    26: "Zandvoort",
    27: "Imola",
    28: "Portimão",
    29: "Jeddah",
    30: "Miami",
    31: "Las Vegas",
    32: "Losail",
    39: "Silverstone Reverse",
    40: "Red Bull Ring Reverse",
    41: "Zandvoort Reverse",
    42: "Madrid",
}
TEAMS: Final = {0: "Mercedes", 1: "Ferrari", 2: "Red Bull", 3: "Williams", 7: "Haas", 8: "McLaren"}
"""The teams that kept name and number from 2018 to 2025."""

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


def track_of(fields: Fields) -> str:
    """Return the track of a session packet: its name, or "track N" for an unknown number."""
    number = fields["track"]
    return TRACKS.get(number, f"track {number}" if number >= 0 else "")


def car_model_of(packet_format: int, fields: Fields) -> str:
    """Return the team of a participant: its name, or "team N" where names differ by game."""
    team = fields["team"]
    named = TEAMS.get(team) if packet_format <= 2025 else None
    return named or ("" if team in (255, 65535) else f"team {team}")
