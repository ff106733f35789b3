"""Compare subjects and filters of NATS: pure."""

import re
from collections.abc import Callable, Iterable
from typing import Final

ONE: Final = "*"
REST: Final = ">"


def filters(wanted: Iterable[str], present: Iterable[str]) -> list[str]:
    """Return the filters of a reader of `wanted` in a stream of `present`: `>` if it reads all.

    With several filters nats-server looks each message up in the indexes of its blocks, which takes
    ten times as long as to send it. No filter at all would cost the same as `>`, but nats-server
    2.15 wakes no reader of a durable whose filters were removed.
    """
    narrow = {*wanted}
    return [REST] if narrow >= {*present} else sorted(narrow)


def overlap(one: str, other: str) -> bool:
    """Return whether two filters have a subject in common."""
    ours, theirs = one.split("."), other.split(".")
    for mine, its in zip(ours, theirs, strict=False):
        if REST in (mine, its):
            return True
        if mine != its and ONE not in (mine, its):
            return False
    return len(ours) == len(theirs)


def matcher(filters: Iterable[str]) -> Callable[[str], object]:
    """Return a function whose result is true for the subjects that any of the filters matches."""
    words = {ONE: r"[^.]+", REST: r".+"}
    patterns = (
        r"\.".join(words.get(word) or re.escape(word) for word in one.split(".")) for one in filters
    )
    return re.compile("|".join(patterns), re.DOTALL).fullmatch
