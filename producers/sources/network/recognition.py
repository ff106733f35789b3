"""Recognise games by their datagrams, and follow the one that is driven."""

from collections.abc import Callable, Iterator
from typing import Final

from producers.source import Began, Decoder, Observation
from producers.sources import assetto, f1, gt7

QUIET_NS: Final = 2_000_000_000
GAMES: Final[dict[str, Callable[[], Decoder]]] = {
    "f1": f1.decoder,
    "gt7": gt7.decoder,
    "assetto": assetto.decoder,
}
SUPPORTED: Final = (
    "F1 2018 to 2026 (UDP 20777), Gran Turismo 7 (UDP 33740) and Assetto Corsa (UDP 9996)"
)


def decoders() -> tuple[Decoder, ...]:
    """Return a fresh decoder of every game that sends datagrams."""
    return tuple(make() for make in GAMES.values())


class Recogniser:
    """Follow the first game that begins a session; take datagrams of all games.

    Another game takes over when the followed one gave no observation for `QUIET_NS`.
    """

    def __init__(self, games: tuple[str, ...] = tuple(GAMES)) -> None:
        self._decoders = {game: GAMES[game]() for game in games}
        self._followed = ""
        self._observed_ns = 0
        self.recognised = 0
        self.unknown = 0

    def feed(self, datagram: bytes, captured_ns: int) -> Iterator[Observation]:
        """Decode one datagram, in order of arrival; yield the followed game's observations."""
        game = next((g for g, d in self._decoders.items() if d.recognises(datagram)), None)
        game = game or self._followed
        if not game:
            self.unknown += 1
            return
        self.recognised += 1
        if game != self._followed and self._followed and self._is_active(captured_ns):
            return
        observations = tuple(self._decoders[game].feed(datagram, captured_ns))
        if game == self._followed:
            self._observed_ns = captured_ns if observations else self._observed_ns
            yield from observations
        elif any(isinstance(observation, Began) for observation in observations):
            self.forget()
            self._followed, self._observed_ns = game, captured_ns
            yield from observations

    def forget(self) -> None:
        """Stop following a game, and reset its decoder: it has to begin a session again."""
        if self._followed:
            self._decoders[self._followed] = GAMES[self._followed]()
        self._followed = ""

    def _is_active(self, captured_ns: int) -> bool:
        return captured_ns - self._observed_ns <= QUIET_NS
