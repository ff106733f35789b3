"""Convert the units that recordings name into those of the channel registry."""

import math
from typing import Final

from msgspec import Struct

STANDARD_GRAVITY: Final = 9.80665
NONE: Final = ("", "-", "..", "no", "#", "n/a", "bool", "bitset")
"""How recordings state that a channel has no unit."""


class Scale(Struct, frozen=True):
    """Convert a value: `value * factor + offset`."""

    factor: float = 1.0
    offset: float = 0.0


PLAIN: Final = dict.fromkeys(NONE, 1.0)
FACTORS: Final[dict[str, dict[str, float]]] = {
    "": PLAIN,
    "-": PLAIN | {"ratio": 1.0, "%": 0.01},
    "bool": PLAIN,
    "bitset": PLAIN,
    "ratio": {"ratio": 1.0, "%": 0.01, "pct": 0.01, "percent": 0.01},
    "s": {"s": 1.0, "sec": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0},
    "m": {"m": 1.0, "mm": 1e-3, "cm": 1e-2, "km": 1e3, "in": 0.0254, "ft": 0.3048, "mi": 1609.344},
    "m/s": {
        "m/s": 1.0,
        "mps": 1.0,
        "km/h": 1 / 3.6,
        "kmh": 1 / 3.6,
        "kph": 1 / 3.6,
        "mph": 0.44704,
        "kn": 0.514444,
        "ft/s": 0.3048,
    },
    "m/s2": {"m/s2": 1.0, "m/s/s": 1.0, "g": STANDARD_GRAVITY},
    "deg": PLAIN | {"deg": 1.0, "rad": 180 / math.pi},
    "rad": {"rad": 1.0, "deg": math.pi / 180},
    "rad/s": {"rad/s": 1.0, "deg/s": math.pi / 180},
    "rpm": {"rpm": 1.0, "1/min": 1.0, "rad/s": 30 / math.pi},
    "N.m": {"n.m": 1.0, "nm": 1.0},
    "Pa": {"pa": 1.0, "hpa": 1e2, "kpa": 1e3, "mbar": 1e2, "bar": 1e5, "psi": 6894.757},
    "l": {"l": 1.0, "litre": 1.0, "liter": 1.0, "ml": 1e-3, "gal": 3.785412},
    "kg": {"kg": 1.0, "g": 1e-3, "lb": 0.45359237},
    "l/h": {"l/h": 1.0},
    "J": {"j": 1.0, "kj": 1e3, "mj": 1e6},
}
TEMPERATURES: Final = {
    "c": Scale(),
    "degc": Scale(),
    "k": Scale(offset=-273.15),
    "f": Scale(5 / 9, -160 / 9),
    "degf": Scale(5 / 9, -160 / 9),
}


def scale(text: str, unit: str) -> Scale | None:
    """Return the conversion of a unit, as a recording writes it, to one of the registry.

    None when the text is no unit of that quantity. A unit with a minus before it, as -deg, is of a
    quantity that counts the other way.
    """
    if len(text) > 2 and text.startswith("-"):
        opposite = scale(text[1:], unit)
        return opposite and Scale(-opposite.factor, -opposite.offset)
    written = text.strip().casefold().replace(" ", "").replace("²", "2").replace("^", "")
    written = "deg" if written == "°" else written.replace("°/", "deg/").replace("°", "")
    if unit == "degC":
        return TEMPERATURES.get(written)
    factor = FACTORS[unit].get(written)
    return None if factor is None else Scale(factor)
