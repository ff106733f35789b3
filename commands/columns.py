"""Show how the columns of recordings are read, and ask before a guess is used."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from commands.cli import CommandError
from commands.terminal import plain

Chosen = Annotated[list[str] | None, Parameter(name="--map", negative_iterable=())]
"""The mappings of a user; each --map is one."""


def show(files: Sequence[Path], chosen: Sequence[str], *, guesses_only: bool) -> bool:
    """Write on standard error how the columns are read; return whether any of that is a guess.

    With `guesses_only` files of known layouts are left out. Raises CommandError when a file cannot
    be read, or none of them has columns to map.
    """
    from producers.importers.recording import mapping_of
    from producers.importers.table import is_table
    from producers.source import SourceError

    if chosen and not any(map(is_table, files)):
        raise CommandError("--map is for the columns of .csv files, and there is none among them")
    guessed = False
    for file in files:
        try:
            mapping = mapping_of(file, chosen)
        except SourceError as error:
            raise CommandError(str(error)) from None
        if mapping is None or (guesses_only and mapping.known):
            continue
        guessed = guessed or not mapping.known
        first, *lines = mapping.lines()
        print(
            "\n".join([f"{plain(str(file))}: {plain(first)}", *map(plain, lines)]), file=sys.stderr
        )
    return guessed


def agreed(files: Sequence[Path], chosen: Sequence[str], *, yes: bool) -> bool:
    """Show how all columns are read; where that is a guess, ask whether to import them so.

    Raises CommandError as `show`, and when there is no terminal to ask on.
    """
    if not show(files, chosen, guesses_only=False) or yes:
        return True
    if not sys.stdin.isatty():
        raise CommandError(
            "the columns are read by their names, as shown: add --yes to import them so, or map "
            "others with --map"
        )
    print("Import them so? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
