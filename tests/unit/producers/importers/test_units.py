import math

import pytest

from producers.importers.units import FACTORS, Scale, scale
from schemas.channels import CHANNELS


@pytest.mark.parametrize(
    ("text", "unit", "value", "converted"),
    [
        ("km/h", "m/s", 36, 10),
        ("KPH", "m/s", 36, 10),
        (" mph ", "m/s", 100, 44.704),
        ("%", "ratio", 50, 0.5),
        ("deg", "rad", 180, math.pi),
        ("°", "rad", -90, -math.pi / 2),
        ("°/s", "rad/s", 180, math.pi),
        ("G", "m/s2", 1, 9.80665),
        ("m/s²", "m/s2", 3, 3),
        ("C", "degC", 20, 20),
        ("°F", "degC", 212, 100),
        ("K", "degC", 273.15, 0),
        ("kPa", "Pa", 150, 150_000),
        ("bar", "Pa", 1.5, 150_000),
        ("psi", "Pa", 1, 6894.757),
        ("mm", "m", 25, 0.025),
        ("ms", "s", 1500, 1.5),
        ("-deg", "rad", 180, -math.pi),
    ],
)
def test_a_unit_is_converted_to_that_of_the_registry(
    text: str, unit: str, value: float, converted: float
) -> None:
    found = scale(text, unit)
    assert found is not None
    assert value * found.factor + found.offset == pytest.approx(converted)


@pytest.mark.parametrize(
    ("text", "unit"), [("km/h", "degC"), ("V", "Pa"), ("", "m/s"), ("ms", "m/s"), ("km/h", "")]
)
def test_a_unit_of_another_quantity_is_none(text: str, unit: str) -> None:
    assert scale(text, unit) is None


@pytest.mark.parametrize("unit", sorted({channel.unit for channel in CHANNELS}))
def test_each_unit_of_the_registry_converts_to_itself(unit: str) -> None:
    assert scale(unit, unit) == Scale()


def test_g_is_an_acceleration_or_a_mass() -> None:
    assert FACTORS["m/s2"]["g"] != FACTORS["kg"]["g"]
