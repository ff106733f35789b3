"""Retention removes what is old or too much: telemetry first, announced, nothing pinned."""

import pytest

from consumers.persister.due import DAY_S, HOUR_S, IDLE_S, Due, Part, Stored, due
from pitbox.settings import Retention, SettingsError, load

NOW_S = 1_800_000_000.0
GB = 10**9


def stored(name: str, age_days: float, size: int = GB, *, pinned: bool = False) -> Stored:
    return Stored(name, NOW_S - age_days * DAY_S, size, pinned)


def announced_long_ago(*sessions: Stored) -> dict[tuple[str, Part], float]:
    parts: tuple[Part, ...] = ("telemetry", "facts")
    return {(one.session, part): NOW_S - 9 * DAY_S for one in sessions for part in parts}


def removed(
    *sessions: Stored, rate: float = 0.0, is_new: bool = False, **limits: float
) -> list[Due]:
    known = {} if is_new else announced_long_ago(*sessions)
    retention = Retention(**limits)  # type: ignore[arg-type]
    return due(sessions, retention, bytes_per_s=rate, announced=known, now_s=NOW_S)


def test_without_limits_nothing_is_due() -> None:
    assert removed(stored("old", 5000)) == []


def test_telemetry_goes_at_its_age_and_is_announced_a_day_before() -> None:
    sessions = (stored("old", 31), stored("nearly", 29.5), stored("young", 28))
    old, nearly = removed(*sessions, telemetry_days=30)
    assert (old.session, old.part, old.at_s) == ("old", "telemetry", NOW_S - DAY_S)
    assert (nearly.session, nearly.at_s) == ("nearly", NOW_S + DAY_S / 2)


def test_a_removal_that_was_not_announced_yet_waits_for_its_notice() -> None:
    [old] = removed(stored("old", 400), telemetry_days=30, is_new=True)
    assert old.at_s == NOW_S + DAY_S


def test_the_notices_are_settings() -> None:
    [old] = removed(stored("old", 400), telemetry_days=30, notice_hours=2, is_new=True)
    assert old.at_s == NOW_S + 2 * HOUR_S
    [crowded] = removed(stored("a", 9), telemetry_bytes=1, bytes_notice_hours=0.5, is_new=True)
    assert crowded.at_s == NOW_S + HOUR_S / 2


def test_facts_stay_when_telemetry_goes_and_go_later() -> None:
    sessions = (stored("kept", 40), stored("bare", 40, size=0), stored("gone", 400, size=0))
    found = removed(*sessions, telemetry_days=30, facts_days=365)
    assert [(one.session, one.part) for one in found] == [("gone", "facts"), ("kept", "telemetry")]


def test_the_oldest_telemetry_makes_room_and_no_more_than_needed() -> None:
    sessions = [stored(name, age) for name, age in (("c", 1), ("a", 9), ("b", 5))]
    found = removed(*sessions, telemetry_bytes=2 * GB + 1)
    assert [(one.session, one.part) for one in found] == [("a", "telemetry")]


def test_a_limit_of_bytes_is_announced_as_soon_as_the_rate_shows_it() -> None:
    sessions = [stored("a", 9), stored("b", 5)]
    [first] = removed(*sessions, rate=GB / DAY_S, telemetry_bytes=int(2.5 * GB))
    assert (first.session, first.at_s) == ("a", NOW_S + DAY_S / 2)
    [late] = removed(*sessions, telemetry_bytes=GB, is_new=True)
    assert late.at_s == NOW_S + HOUR_S


@pytest.mark.parametrize("limits", [{"telemetry_days": 1}, {"telemetry_bytes": 1}])
def test_neither_a_pinned_session_nor_one_that_is_driven_is_touched(
    limits: dict[str, float],
) -> None:
    pinned, driven = stored("pinned", 50, pinned=True), stored("driven", IDLE_S / 2 / DAY_S)
    assert [one for one in removed(pinned, driven, **limits) if one.at_s <= NOW_S] == []


def test_facts_cannot_go_before_telemetry() -> None:
    days = {"PITBOX_RETENTION__TELEMETRY_DAYS": "30", "PITBOX_RETENTION__FACTS_DAYS": "7"}
    with pytest.raises(SettingsError, match="telemetry goes before facts"):
        load(days)
