import pytest

from producers.importers.table.wishes import Wish, wishes
from producers.source import SourceError

COLUMNS = ("Time", "Speed (km/h)", "pedal=2")


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("speed=Speed (km/h)", Wish("speed", "Speed (km/h)", "")),
        ("speed=speed (KM/H)", Wish("speed", "Speed (km/h)", "")),
        ("brake:%=pedal=2", Wish("brake", "pedal=2", "%")),
        ("time:ms=Time", Wish("time", "Time", "ms")),
        ("steering_angle:-deg=Time", Wish("steering_angle", "Time", "-deg")),
    ],
)
def test_a_wish_names_a_channel_its_column_and_its_unit(text: str, wish: Wish) -> None:
    assert wishes([text], COLUMNS, "a.csv") == {wish.channel: wish}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["speed"], "is not a mapping: write CHANNEL=COLUMN"),
        (["=Time"], "is not a mapping"),
        (["speed="], "is not a mapping"),
        (["sped=Time"], "there is no channel sped"),
        (["tyre_temp=Time"], "there is no channel tyre_temp; there are tyre_pressure_fl"),
        (["speed=Velocity"], r"a.csv has no column Velocity; it has Time, Speed \(km/h\)"),
        (["speed:bar=Time"], "bar is no unit of speed; write one of m/s"),
        (["time:km=Time"], "km is no unit of time; write one of s"),
        (["speed=Time", "speed=Speed (km/h)"], "gives speed two columns"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused(texts: list[str], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        wishes(texts, COLUMNS, "a.csv")
