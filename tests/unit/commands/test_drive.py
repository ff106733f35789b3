"""The driver app ends with a summary, on a terminal and in a pipe."""

import io

import pytest
from msgspec.structs import replace

from commands.drive import Display, line, summary
from producers.drive import Status

DRIVEN = Status(
    session="spa", silent_s=0.5, made=120, sent=118, waiting=0, fenced=False, rtt_ms=2.0
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("out", [io.StringIO(), Terminal()], ids=["pipe", "terminal"])
def test_a_drive_ends_with_its_summary(out: io.StringIO) -> None:
    display = Display(out)
    display.show(replace(DRIVEN, made=1))
    display.show(DRIVEN)
    display.close()
    assert out.getvalue().endswith(f"pitbox: {summary(DRIVEN)}\n")


def test_a_pipe_gets_the_summary_alone() -> None:
    out = io.StringIO()
    display = Display(out)
    display.show(DRIVEN)
    assert out.getvalue() == ""
    display.close()
    assert out.getvalue().count("\n") == 1


def test_a_drive_that_never_began_has_no_summary() -> None:
    out = io.StringIO()
    Display(out).close()
    assert out.getvalue() == ""


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (DRIVEN, "spa: 120 chunks driven; no chunk waits in the spool"),
        (
            replace(DRIVEN, waiting=7),
            "spa: 120 chunks driven; 7 chunks wait in the spool until `pitbox drive` runs again "
            "and reaches the hub",
        ),
        (
            replace(DRIVEN, not_kept=9),
            "spa: 120 chunks driven; 9 of them were not kept on this PC's disk; "
            "no chunk waits in the spool",
        ),
        (replace(DRIVEN, session="", made=0), "nothing was driven; no chunk waits in the spool"),
    ],
)
def test_the_summary_counts_what_is_left(status: Status, told: str) -> None:
    assert summary(status) == told


def test_a_disk_that_keeps_nothing_is_on_the_line() -> None:
    told = line(replace(DRIVEN, disk_trouble="database or disk is full", not_kept=20))
    assert "THE DISK KEEPS NOTHING: database or disk is full" in told
    assert "100 chunks in the spool" in told
