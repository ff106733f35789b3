"""Write the game's ids of cars and tracks as people do, also those of mods, which no list has."""

import re
from typing import Final

from producers.sources.names import rows

WORDS: Final = dict(rows(__package__, "words.csv"))
PUBLISHER: Final = re.compile(r"^ks_|^layout_")
GLUED: Final = re.compile(r"([a-z]{4,})(\d+)")
"""A word with its number, as in abarth500; shorter words are types, as in gt3 and sf15t."""

LONGEST_ABBREVIATION: Final = 2


def name_of(identifier: str) -> str:
    """Return the name behind an id: `ks_ferrari_488_gt3` is "Ferrari 488 GT3"."""
    known = PUBLISHER.sub("", identifier)
    if known in WORDS:
        return WORDS[known]
    words = re.split(r"[_\s]+", GLUED.sub(r"\1 \2", known))
    written = " ".join(_written(word) for word in words if word)
    return written[:1].upper() + written[1:]


def _written(word: str) -> str:
    """Return a word of an id; one that is not in lower case is written as its author wrote it."""
    if word in WORDS or not word.islower():
        return WORDS.get(word, word)
    if len(word) <= LONGEST_ABBREVIATION or any(letter.isdigit() for letter in word):
        return word.upper()
    return "-".join(part[:1].upper() + part[1:] for part in word.split("-"))
