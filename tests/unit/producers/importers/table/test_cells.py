import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.importers.table.cells import instant_ns, number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5),
        ("-7.450581e-09", -7.450581e-09),
        (" 3 ", 3),
        ("True", 1),
        ("false", 0),
        ("N", 0),
        ("R", -1),
        ("1:23.456", 83.456),
        ("00:01:23.4560000", 83.456),
        ("1.00:00:01", 86_401),
        ("-00:00:03", -3),
    ],
)
def test_a_cell_is_a_number_a_state_or_a_duration(text: str, value: float) -> None:
    assert number(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", " ", "NULL", "nan", "N/A"])
def test_an_empty_cell_is_absent(text: str) -> None:
    assert math.isnan(number(text))


def test_a_comma_is_decimal_only_where_the_table_has_it_so() -> None:
    assert number("1,5", decimal_comma=True) == 1.5
    with pytest.raises(ValueError, match="1,5"):
        number("1,5")


@pytest.mark.parametrize("text", ["abc", "1.2.3", "1 2", "12:", "1,2,3"])
def test_other_text_is_no_number(text: str) -> None:
    with pytest.raises(ValueError):
        number(text, decimal_comma=True)


@pytest.mark.parametrize(
    ("text", "at_ns"),
    [
        ("2023-04-19 11:51:11.982007+00:00", 1_681_905_071_982_007_000),
        ("2023-04-19T11:51:11.982007Z", 1_681_905_071_982_007_000),
        ("2023-04-19 13:51:11.982+02:00", 1_681_905_071_982_000_000),
        ("2023-04-19 11:51:11", 1_681_905_071_000_000_000),
    ],
)
def test_a_date_with_a_time_is_an_instant_in_utc_if_it_has_no_zone(text: str, at_ns: int) -> None:
    assert instant_ns(text) == at_ns


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_an_error_of_values(text: str) -> None:
    for parse in (number, instant_ns):
        try:
            parse(text)
        except (ValueError, OverflowError):
            continue
