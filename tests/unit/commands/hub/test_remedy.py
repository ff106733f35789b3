"""A refusal is reported once; a server is started again a limited number of times."""

from commands.hub.remedy import Act, Condition, Limits, decide

LIMITS = Limits(refused_s=4, doubt_s=30, pauses_s=(0, 10, 20), steady_s=60)


def looked(
    condition: Condition,
    seconds: range,
    *,
    refuses: bool = True,
    certain: bool = True,
    can_help: bool = True,
) -> tuple[Condition, list[tuple[int, Act]]]:
    """Look once a second; return the condition after it, and each act with its second."""
    done: list[tuple[int, Act]] = []
    for second in seconds:
        condition, acts = decide(
            condition,
            refuses=refuses,
            certain=certain,
            can_help=can_help,
            now_s=float(second),
            limits=LIMITS,
        )
        done += [(second, act) for act in acts]
    return condition, done


def test_a_server_without_room_is_reported_once_and_not_started_again() -> None:
    condition, done = looked(Condition(), range(100, 1000), can_help=False)
    assert done == [(100, "report refusal")]
    _, done = looked(condition, range(1000, 1002))
    assert done == [(1000, "restart")]


def test_starts_in_a_row_follow_ever_more_rarely_and_end() -> None:
    condition, done = looked(Condition(), range(100, 3000))
    assert done == [
        *((100, "report refusal"), (100, "restart"), (110, "restart"), (130, "restart")),
        (131, "give up"),
    ]
    _, done = looked(condition, range(3000, 3003), refuses=False)
    assert done == [(3000, "report storing")]


def test_a_short_success_does_not_begin_a_new_row() -> None:
    condition, _ = looked(Condition(), range(100, 3000))
    condition, _ = looked(condition, range(3000, 3059), refuses=False)
    again, done = looked(condition, range(3059, 3100))
    assert [act for _, act in done] == ["report refusal", "give up"]
    rested, _ = looked(again, range(3100, 3161), refuses=False)
    _, done = looked(rested, range(3161, 3166))
    assert [act for _, act in done] == ["report refusal", "restart"]


def test_a_refusal_without_a_cause_has_to_last() -> None:
    _, done = looked(Condition(), range(100, 132), certain=False)
    assert done == [(104, "report refusal"), (130, "restart")]


def test_a_moment_is_not_reported() -> None:
    condition, done = looked(Condition(), range(100, 104), certain=False)
    condition, more = looked(condition, range(104, 110), refuses=False)
    assert done + more == []


def test_a_look_that_took_long_counts_as_a_refusal_that_lasts() -> None:
    condition, acts = decide(
        Condition(),
        refuses=True,
        certain=False,
        can_help=True,
        now_s=100.0,
        limits=LIMITS,
        looked_s=4.0,
    )
    assert acts == ["report refusal"]
    assert condition.since_s == 96.0
