"""A table that streams.yaml or the page contradicts is refused in one sentence."""

import re
from typing import Any

import pytest
from msgspec.structs import replace

from consumers.gateway.live.facts import TABLE
from consumers.gateway.live.feed import HANDLED
from consumers.gateway.live.table import Row, Table, check
from pitbox import topology
from pitbox.topology import Topology, TopologyError
from schemas.timing import Session
from tests.tools.toy_fact import ROW as TOY
from tests.tools.toy_fact import Shout, shout

TOPOLOGY = topology.load()
SESSION, LAP, DERIVING, *OTHERS = TABLE
LETTER = replace(LAP, route="dead.letter")


def reading(*routes: str) -> Topology:
    gateway = replace(TOPOLOGY.consumers["gateway"], reads=(*HANDLED, *routes))
    return replace(TOPOLOGY, consumers={**TOPOLOGY.consumers, "gateway": gateway})


def test_the_gateways_table_is_what_streams_yaml_declares() -> None:
    check(TABLE, TOPOLOGY, handled=HANDLED)


@pytest.mark.parametrize(
    ("rows", "declared", "problem"),
    [
        (
            (SESSION, DERIVING, *OTHERS),
            TOPOLOGY,
            "reads timing.lap, but no row in .* add the row",
        ),
        ((SESSION, LAP), reading("timing.lap"), "a row in .* has timing.session and Session"),
        ((SESSION, LAP), reading("timing.lap", "timing.session", "dead.letter"), "DeadLetter"),
        (
            (SESSION, DERIVING, LETTER, *OTHERS),
            TOPOLOGY,
            "reads timing.lap, but no row",
        ),
        ((*TABLE, TOY), TOPOLOGY, "a row in .* has toy.shout and Shout"),
    ],
)
def test_a_row_without_its_route_or_a_route_without_its_row_is_refused(
    rows: tuple[Row[Any], ...], declared: Topology, problem: str
) -> None:
    with pytest.raises(TopologyError, match=problem):
        check(Table(*rows), declared, handled=HANDLED)


def test_a_row_that_no_page_can_decode_is_refused() -> None:
    letters = replace(TOY, route="dead.letter", event=TOPOLOGY.decoder("dead.letter").type)
    declared = reading("timing.session", "timing.lap", "dead.letter")
    with pytest.raises(TopologyError, match=re.escape("`Fact` in schemas/wall.py")):
        check(Table(SESSION, LAP, letters), declared, handled=HANDLED)


def test_two_rows_of_one_type_are_refused() -> None:
    with pytest.raises(TopologyError, match="two rows have Session"):
        Table(SESSION, LAP, replace(SESSION, route="timing.lap"))


def test_facts_of_different_kinds_sessions_and_drivers_have_different_keys() -> None:
    facts = [shout(), shout(1), shout(driver="bob"), shout(session="monza")]
    session = Session(session="spa", driver="ada", at_ns=1, source="sim", started_ns=0)
    keys = {TOY.identity(fact) for fact in facts} | {SESSION.identity(session)}
    assert len(keys) == 5
    assert TOY.identity(shout(words="x")) == TOY.identity(shout(words="y"))


def test_without_a_rule_of_its_own_a_kind_is_replaced_by_what_is_not_older() -> None:
    row = Row(route="toy.shout", event=Shout, shows_others=TOY.shows_others)
    assert row.replaces(shout(at_ns=6), shout(at_ns=5))
    assert row.replaces(shout(at_ns=5), shout(at_ns=5))
    assert not row.replaces(shout(at_ns=4), shout(at_ns=5))
