"""The names of tracks, teams and tyres, for which the games send numbers."""

from typing import Final

from msgspec import Struct

from producers.sources.names import rows

NOBODY: Final = (255, 65535)
"""The numbers of no listed team, with one and with two bytes: a player's own, or none."""


class Named(Struct, frozen=True):
    """Name what a number stands for in the formats from `since` to `until`."""

    since: int
    until: int
    name: str


def _named(file: str) -> dict[int, list[Named]]:
    named: dict[int, list[Named]] = {}
    for number, since, until, name in rows(__package__, file):
        named.setdefault(int(number), []).append(Named(int(since), int(until), name))
    return named


TRACKS: Final = {int(number): name for number, name in rows(__package__, "tracks.csv")}
TEAMS: Final = _named("teams.csv")
TYRES: Final = _named("tyres.csv")


def track_name(number: int) -> str:
    """Return a track's name, "Track N" for an unlisted number, and "" below 0, which is none."""
    return TRACKS.get(number, f"Track {number}" if number >= 0 else "")


def team_name(packet_format: int, number: int, *, my_team: bool = False) -> str:
    """Return a team's name in this format, "Team N" for an unlisted number, and "" for none.

    `my_team` is the game's flag of a player's own team; the format 2020 has none.
    """
    if number in NOBODY:
        return "My Team" if my_team or packet_format == 2020 else ""
    return _name(TEAMS, packet_format, number) or f"Team {number}"


def tyre_name(packet_format: int, number: int) -> str:
    """Return a tyre's compound in this format, "" for an unlisted number."""
    return _name(TYRES, packet_format, number)


def _name(table: dict[int, list[Named]], packet_format: int, number: int) -> str:
    named = (one for one in table.get(number, ()) if one.since <= packet_format <= one.until)
    return next((one.name for one in named), "")
