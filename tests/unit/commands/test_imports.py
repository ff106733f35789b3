"""An import states what it waits for by evidence, once, and only when it gets no further."""

import io

from commands.imports import PATIENCE_S, Waiting
from producers.uplink.link import NO_LINK, NO_PERSISTER


class Import:
    def __init__(self) -> None:
        self.out = io.StringIO()
        self.now_s = 1000.0
        self.waiting = Waiting(self.out, lambda: self.now_s)

    def show(self, done: int, waits_for: str, after_s: float = 0.0) -> list[str]:
        self.now_s += after_s
        self.waiting.show(done, 70, waits_for)
        return self.out.getvalue().splitlines()


def test_a_hub_that_does_not_answer_is_stated_once() -> None:
    importing = Import()
    assert importing.show(0, NO_PERSISTER) == []
    assert importing.show(0, NO_PERSISTER, PATIENCE_S) == [f"pitbox: waiting: {NO_PERSISTER}"]
    assert len(importing.show(0, NO_PERSISTER, 10 * PATIENCE_S)) == 1
    assert importing.show(0, NO_LINK, 1)[1:] == [f"pitbox: waiting: {NO_LINK}"]


def test_a_slow_hub_that_answers_is_not_blamed() -> None:
    importing = Import()
    for _ in range(10):
        assert importing.show(0, "", 10 * PATIENCE_S) == []


def test_an_import_that_gets_on_blames_nobody() -> None:
    importing = Import()
    for done in range(10):
        assert importing.show(done, NO_PERSISTER, PATIENCE_S) == []


def test_the_summary_says_how_far_it_came() -> None:
    importing = Import()
    assert importing.waiting.summary == "stopped before anything was sent"
    importing.show(3, "")
    assert importing.waiting.summary.startswith("stopped: Postgres has 3 of 70 chunks")
