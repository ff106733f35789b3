"""Read the tables of names beside the decoders, once, when a decoder is imported."""

import csv
from importlib import resources


def rows(package: str, file: str) -> list[list[str]]:
    """Return the rows of a package's table, whose lines with a # state its source and licence."""
    text = resources.files(package).joinpath(file).read_text("utf-8")
    return list(csv.reader(line for line in text.splitlines() if not line.startswith("#")))
