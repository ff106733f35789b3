"""The states of a fold, bounded: pure."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Final, Generic, TypeVar

MAX_STATES: Final = 4096

State = TypeVar("State")


class States(Generic[State]):
    """Hold states by owner and key, at most `max_states`.

    Above that the owner with the most states loses its oldest one, so no owner can push out the
    states of others.
    """

    def __init__(self, max_states: int = MAX_STATES) -> None:
        self._max_states = max_states
        self._count = 0
        self._owners: dict[str, OrderedDict[Hashable, State]] = {}

    def __iter__(self) -> Iterator[State]:
        """Iterate over all states, as they are now."""
        return iter([state for held in self._owners.values() for state in held.values()])

    def get(self, owner: str, key: Hashable) -> State | None:
        """Return a state, None for an unknown key."""
        held = self._owners.get(owner)
        return held.get(key) if held else None

    def put(self, owner: str, key: Hashable, state: State) -> None:
        """Hold a state as its owner's newest."""
        held = self._owners.setdefault(owner, OrderedDict())
        self._count += key not in held
        held[key] = state
        held.move_to_end(key)
        while self._count > self._max_states:
            largest = max(self._owners, key=lambda one: len(self._owners[one]))
            self._owners[largest].popitem(last=False)
            self._count -= 1
            if not self._owners[largest]:
                del self._owners[largest]

    def drop(self, owner: str, key: Hashable) -> None:
        """Forget a state."""
        held = self._owners.get(owner, OrderedDict())
        self._count -= held.pop(key, None) is not None
        if not held:
            self._owners.pop(owner, None)
