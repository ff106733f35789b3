"""The known formats, and the header of each.

A table is keyed by the first format that has an entry; later formats without one share it.
"""

from typing import Final, TypeVar

from producers.sources.f1.record import Record

FORMATS: Final = (2018, 2019, 2020, 2021, 2022, 2023, 2024, 2025, 2026)

GAME: Final = "major:B minor:B version:B packet:B session:Q time_s:f frame:I"
HEADER: Final = {
    2018: "format:H version:B packet:B session:Q time_s:f frame:I player:B",
    2019: f"format:H {GAME} player:B",
    2020: f"format:H {GAME} player:B second_player:B",
    2023: f"format:H year:B {GAME} overall_frame:I player:B second_player:B",
}
CARS: Final = {2018: 20, 2020: 22, 2026: 24}

Value = TypeVar("Value")


def of_format(table: dict[int, Value], packet_format: int) -> Value | None:
    """Return a table's entry for a format; None for a format older than every entry."""
    known = [since for since in table if since <= packet_format]
    return table[max(known)] if known else None


HEADERS: Final = {since: Record(text) for since, text in HEADER.items()}
