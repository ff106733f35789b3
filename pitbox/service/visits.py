"""The order in which the sessions of drivers are visited: pure."""

from collections import Counter
from collections.abc import Iterable, Mapping

from pitbox.chunks.owner import Owner
from pitbox.service.deriving import Deriving


def in_turn(owners: Iterable[Owner], held: Mapping[Owner, Deriving]) -> list[Owner]:
    """Return owners, one session of each driver before the second one of any.

    Of a driver those that wait come first, then the last used.
    """

    def turn(owner: Owner) -> tuple[bool, float]:
        one = held.get(owner)
        return (not one.wanted_s, -one.used_s) if one else (True, 0.0)

    return ranked(sorted(owners, key=turn))


def ranked(owners: Iterable[Owner]) -> list[Owner]:
    """Return owners, one session of each driver before the second one of any, else as given."""
    visits, ranks = Counter[str](), dict[Owner, int]()
    for owner in owners:
        ranks[owner] = visits[owner[1]]
        visits[owner[1]] += 1
    return sorted(ranks, key=lambda owner: ranks[owner])
