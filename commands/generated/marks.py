"""Text between two marks of a file, made from code."""

import sys
from pathlib import Path

from commands.cli import CommandError


def write(file: Path, name: str, body: str, *, check: bool = False) -> int:
    """Put a text between the marks of `name`; with `check` only return 1 when another is there.

    Raises CommandError naming the marks that the file lacks.
    """
    begin, end = f"<!-- {name}: begin, made by `make generated` -->", f"<!-- {name}: end -->"
    text = file.read_text(encoding="utf-8")
    head, found_begin, rest = text.partition(begin)
    _, found_end, tail = rest.partition(end)
    if not found_begin or not found_end:
        raise CommandError(f"{file} lacks the line {begin} or {end}")
    fresh = f"{head}{begin}\n{body}\n{end}{tail}"
    if not check:
        file.write_text(fresh, encoding="utf-8")
    elif fresh != text:
        print(
            f"{file} has an old text between {begin} and {end}: run `make generated`",
            file=sys.stderr,
        )
        return 1
    return 0
