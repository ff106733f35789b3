from collections import Counter

import msgspec
import pytest

from producers.sources import assetto, f1, gt7
from producers.sources.assetto.names import WORDS, name_of
from producers.sources.assetto.packet import REPLY, parse_reply
from producers.sources.f1.formats import FORMATS
from producers.sources.f1.names import TEAMS, TRACKS, team_name, track_name
from producers.sources.gt7.names import CARS, car_name
from producers.sources.names import rows
from schemas.sim import Label

TABLES = {
    (assetto.__name__, "words.csv"): 2,
    (f1.__name__, "teams.csv"): 4,
    (f1.__name__, "tracks.csv"): 2,
    (gt7.__name__, "cars.csv"): 2,
}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table[0]}/{table[1]}")
def test_a_table_has_whole_rows_of_plain_text(table: tuple[str, str]) -> None:
    found = rows(*table)
    assert found
    assert {len(row) for row in found} == {TABLES[table]}
    for cell in (cell for row in found for cell in row):
        assert cell == " ".join(cell.split()) != ""
        assert cell.isprintable()


@pytest.mark.parametrize(
    "table",
    [(assetto.__name__, "words.csv"), (f1.__name__, "tracks.csv"), (gt7.__name__, "cars.csv")],
    ids=lambda table: table[1],
)
def test_no_number_or_id_stands_twice_in_a_table(table: tuple[str, str]) -> None:
    counted = Counter(row[0] for row in rows(*table))
    assert [key for key, count in counted.items() if count > 1] == []


def test_a_number_stands_for_one_team_in_each_format_and_a_team_has_one_number() -> None:
    known = range(FORMATS[0], FORMATS[-1] + 1)
    assert all(t.since in known and t.until in known for teams in TEAMS.values() for t in teams)
    for packet_format in FORMATS:
        named = [
            (number, team.name)
            for number, teams in TEAMS.items()
            for team in teams
            if team.since <= packet_format <= team.until
        ]
        assert len({number for number, _ in named}) == len({name for _, name in named})
        assert len({number for number, _ in named}) == len(named) > 10


@pytest.mark.parametrize(
    ("packet_format", "number", "name"),
    [
        (2018, 4, "Force India"),
        (2020, 4, "Racing Point"),
        (2026, 4, "Aston Martin"),
        (2019, 6, "Toro Rosso"),
        (2025, 6, "RB"),
        (2022, 118, "Prema '22"),
        (2023, 118, "Mercedes '22"),
        (2026, 486, "Cadillac '26"),
        (2018, 118, "Team 118"),
        (2025, 241, "Team 241"),
    ],
)
def test_a_team_is_named_by_number_and_format(packet_format: int, number: int, name: str) -> None:
    assert team_name(packet_format, number) == name


def test_a_player_s_own_team_is_named_and_no_team_is_not() -> None:
    assert team_name(2020, 255) == team_name(2025, 255, my_team=True) == "My Team"
    assert team_name(2026, 65535, my_team=True) == "My Team"
    assert team_name(2018, 255) == team_name(2025, 255) == team_name(2026, 65535) == ""


def test_a_track_is_named_by_its_number() -> None:
    assert (track_name(0), track_name(28), track_name(42)) == ("Melbourne", "Portimão", "Madrid")
    assert (track_name(99), track_name(-1)) == ("Track 99", "")
    assert len(TRACKS) == 37


def test_a_car_is_named_by_its_code() -> None:
    assert car_name(24) == "Nissan 180SX Type X '96"
    assert car_name(1540) == "McLaren F1 '94"
    assert car_name(3416) == "Mercedes-AMG GT R '17"
    assert car_name(99_999) == "Car 99999"
    assert (car_name(0), car_name(-1), car_name(1_000_001)) == ("", "", "")
    assert len(CARS) > 550


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("ks_ferrari_488_gt3", "Ferrari 488 GT3"),
        ("bmw_m3_e30_dtm", "BMW M3 E30 DTM"),
        ("ks_mazda_mx5_cup", "Mazda MX-5 Cup"),
        ("ks_corvette_c7r", "Chevrolet Corvette C7.R"),
        ("tatuusfa1", "Tatuus FA01"),
        ("abarth500_s1", "Abarth 500 S1"),
        ("ks_nurburgring", "Nürburgring"),
        ("ks_silverstone1967", "Silverstone 1967"),
        ("trento-bondone", "Trento-Bondone"),
        ("layout_gp_a", "GP A"),
    ],
)
def test_an_id_of_the_game_is_written_as_people_do(identifier: str, name: str) -> None:
    assert name_of(identifier) == name


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("rss_formula_hybrid_2021", "RSS Formula Hybrid 2021"),
        ("some_club_racer", "Some Club Racer"),
        ("circuit_de_nowhere", "Circuit de Nowhere"),
        ("MyMod_v2 Cup", "MyMod V2 Cup"),
        ("шоссе", "Шоссе"),
        ("___", ""),
        ("", ""),
    ],
)
def test_the_id_of_a_mod_stays_readable(identifier: str, name: str) -> None:
    assert name_of(identifier) == name


def test_the_longest_ids_of_an_answer_fit_a_label() -> None:
    longest = max(WORDS, key=lambda word: len(WORDS[word]) / len(word))
    field = "_".join([longest] * 50)[:50].encode("utf-16-le")
    reply = parse_reply(REPLY.pack(field, field, 4242, 1, field, field))
    assert reply is not None
    assert reply.car.startswith(WORDS[longest])
    msgspec.convert((reply.car, reply.track), tuple[Label, Label])
