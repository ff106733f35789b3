"""Tables for people lose nothing, and move no terminal."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from commands.terminal import plain, table

WORDS = st.text(st.characters(codec="utf-8"), max_size=30)


@given(st.lists(st.tuples(WORDS, WORDS, WORDS), max_size=4))
def test_no_cell_is_cut(rows: list[tuple[str, str, str]]) -> None:
    lines = table(("Session", "Driver", "Track"), rows).split("\n")
    assert len(lines) == len(rows) + 1
    for row, line in zip(rows, lines[1:], strict=True):
        for cell in row:
            assert plain(cell).rstrip() in line


def test_columns_are_aligned_by_what_a_terminal_shows() -> None:
    lines = table(("A", "B"), [("鈴鹿", "x"), ("ab", "y")]).split("\n")
    before = [line[: line.index(letter)] for line, letter in zip(lines, "Bxy", strict=True)]
    starts = list(map(cell_len, before))
    assert starts == [6, 6, 6]


def test_what_would_move_a_terminal_is_replaced() -> None:
    assert "\x1b" not in table(("A",), [("\x1b[31m",)])
