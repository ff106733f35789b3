"""A hidden driver is invisible in every kind of fact, to every selection of a page."""

from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from consumers.gateway.live.fanout import Choice, Fanout
from consumers.gateway.live.latest import Latest
from consumers.gateway.live.table import Row
from schemas.sim import LeftOut
from tests.tools.toy_fact import WITH_TOY

DRIVERS = ("ada", "bob", "zed")
SESSIONS = ("spa", "monza")


INT64 = st.integers(-(2**63), 2**63 - 1)
LEFT_OUT = st.builds(LeftOut, at_ns=INT64, count=st.integers(1, 2**53 - 1))
VALUES: dict[Any, Any] = {
    int: INT64,
    int | None: st.none() | INT64,
    tuple[int, int]: st.tuples(INT64, INT64),
    tuple[LeftOut, ...]: st.tuples(LEFT_OUT),
}
"""Integers that msgpack can encode; other types have hypothesis's own values."""


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of a field's values; a list has two at most, as facts hold many lists."""
    if hint in VALUES:
        return VALUES[hint]
    if get_origin(hint) is tuple and get_args(hint)[1:] == (...,):
        return st.lists(values_of(get_args(hint)[0]), max_size=2).map(tuple)
    if isinstance(hint, type) and issubclass(hint, Struct):
        return st.builds(hint, **fields_of(hint))
    return st.from_type(hint)


def fields_of(struct: type[Struct]) -> dict[str, st.SearchStrategy[Any]]:
    """Return a strategy of any value for each field of a struct."""
    hints = get_type_hints(struct)
    return {name: values_of(hints[name]) for name in struct.__struct_fields__}


def facts_of(row: Row[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy of facts with any value in each field, of few sessions and drivers."""
    few = {"session": st.sampled_from(SESSIONS), "driver": st.sampled_from(DRIVERS)}
    return st.builds(row.event, **fields_of(row.event) | few)


choices = st.builds(
    Choice,
    session=st.sampled_from(SESSIONS),
    drivers=st.frozensets(st.sampled_from(DRIVERS)),
    channels=st.just(()),
    hidden=st.frozensets(st.sampled_from(DRIVERS)),
)


@pytest.mark.parametrize("row", [*WITH_TOY], ids=lambda row: row.route)
@given(data=st.data())
def test_a_page_receives_the_facts_that_it_selected_and_none_about_a_hidden_driver(
    row: Row[Any], data: st.DataObject
) -> None:
    pages = dict(enumerate(data.draw(st.lists(choices, max_size=6))))
    fanout: Fanout[int] = Fanout()
    for page, chosen in pages.items():
        fanout.choose(page, chosen)
    latest = Latest(WITH_TOY)
    for entry in latest.update(data.draw(st.lists(facts_of(row), max_size=6))):
        fact = entry.fact
        entitled = {
            page
            for page, chosen in pages.items()
            if chosen.session == fact.session
            and (not chosen.drivers or fact.driver in chosen.drivers)
            and fact.driver not in chosen.hidden
            and not (chosen.hidden and row.shows_others(fact))
        }
        assert {*fanout.receivers(entry)} == entitled
        first_sent = {
            page
            for page, chosen in pages.items()
            if chosen.includes(entry) and chosen.session == fact.session
        }
        assert first_sent == entitled
