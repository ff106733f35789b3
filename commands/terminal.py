"""Text for a terminal: made harmless, and set in columns."""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

GAP = "  "


def plain(text: str) -> str:
    """Return a text with every unprintable character replaced: a terminal would obey those."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows below their head, in columns as wide as their longest cell.

    No cell is ever cut: a terminal that is too narrow wraps the line, and a pipe gets it whole.
    """
    lines = [tuple(map(plain, row)) for row in (head, *rows)]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_line(cells, widths) for cells in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)
    )
    return GAP.join(padded).rstrip()
