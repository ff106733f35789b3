"""The names of cars, for which the game sends codes."""

from typing import Final

from producers.sources.names import rows

CARS: Final = {int(code): name for code, name in rows(__package__, "cars.csv")}
FIRST_CODE_OVERWRITTEN: Final = 1_000_000
"""From here on the code is not the car's: the game has written another number over it."""


def car_name(code: int) -> str:
    """Return a car's name, "Car N" for an unlisted code, and "" for a number that is no code."""
    return CARS.get(code, f"Car {code}") if 0 < code < FIRST_CODE_OVERWRITTEN else ""
