"""Events become rows and come back the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from pitbox.postgres.coaching import MOMENTS, SILENCES
from pitbox.postgres.columns import Columns
from pitbox.postgres.laps import LAPS
from pitbox.postgres.passes import PASSES, TRACKS
from tests.contract.samples import SAMPLES

KINDS = {
    "timing.lap": LAPS,
    "timing.track": TRACKS,
    "timing.passes": PASSES,
    "coach.moment": MOMENTS,
    "coach.silence": SILENCES,
}
SECONDS = st.floats(allow_nan=False, allow_infinity=False)


def row(columns: Columns[Any], event: Struct) -> dict[str, Any]:
    """Return an event as Postgres returns its row: arrays as lists."""
    values = zip(columns.names, columns.parameters(event), strict=True)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values}


@pytest.mark.parametrize("tag", KINDS)
def test_an_event_comes_back_from_its_row(tag: str) -> None:
    columns, event = KINDS[tag], SAMPLES[tag]
    assert columns.event(row(columns, event)) == event


@given(SECONDS, SECONDS)
def test_numbers_within_json_come_back_exactly(entry_s: float, exit_s: float) -> None:
    passes: Any = SAMPLES["timing.passes"]
    losses = (replace(passes.losses[0], entry_s=entry_s, exit_s=exit_s),)
    event = replace(passes, losses=losses)
    assert PASSES.event(row(PASSES, event)) == event


def test_the_key_of_a_row_is_not_changed_by_an_upsert() -> None:
    _, _, changes = SILENCES.upsert("silence").partition("do update set ")
    assert '"reason" = excluded."reason"' in changes
    assert '"lap_number"' not in changes
