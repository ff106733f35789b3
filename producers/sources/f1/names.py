"""The names of tracks and teams, for which the games send numbers."""

from typing import Final

from msgspec import Struct

from producers.sources.names import rows

NOBODY: Final = (255, 65535)
"""The numbers of no listed team, with one and with two bytes: a player's own, or none."""


class Team(Struct, frozen=True):
    """Name the team that a number stands for in the formats from `since` to `until`."""

    since: int
    until: int
    name: str


def _teams() -> dict[int, list[Team]]:
    teams: dict[int, list[Team]] = {}
    for number, since, until, name in rows(__package__, "teams.csv"):
        teams.setdefault(int(number), []).append(Team(int(since), int(until), name))
    return teams


TRACKS: Final = {int(number): name for number, name in rows(__package__, "tracks.csv")}
TEAMS: Final = _teams()


def track_name(number: int) -> str:
    """Return a track's name, "Track N" for an unlisted number, and "" below 0, which is none."""
    return TRACKS.get(number, f"Track {number}" if number >= 0 else "")


def team_name(packet_format: int, number: int, *, my_team: bool = False) -> str:
    """Return a team's name in this format, "Team N" for an unlisted number, and "" for none.

    `my_team` is the game's flag of a player's own team; the format 2020 has none.
    """
    if number in NOBODY:
        return "My Team" if my_team or packet_format == 2020 else ""
    named = (team for team in TEAMS.get(number, ()) if team.since <= packet_format <= team.until)
    return next((team.name for team in named), f"Team {number}")
