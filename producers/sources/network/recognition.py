"""Tell games apart by their datagrams, and follow the one that is driven."""

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
    """Feed datagrams of whatever game: the first to begin a session is followed.

    Another game takes over once the followed one was silent for two seconds.
    """

    def __init__(self, games: tuple[str, ...] = tuple(GAMES)) -> None:
        self._decoders = {game: GAMES[game]() for game in games}
        self._followed = ""
        self._heard_ns = 0
        self.recognised = 0
        self.unknown = 0

    def feed(self, datagram: bytes, captured_ns: int) -> Iterator[Observation]:
        """Take one datagram as it arrived; yield what the followed game tells."""
        game = next((g for g, d in self._decoders.items() if d.recognises(datagram)), None)
        game = game or self._followed
        if not game:
            self.unknown += 1
            return
        self.recognised += 1
        if game != self._followed and self._followed and self._speaks(captured_ns):
            return
        told = tuple(self._decoders[game].feed(datagram, captured_ns))
        if game == self._followed:
            self._heard_ns = captured_ns if told else self._heard_ns
            yield from told
        elif any(isinstance(observation, Began) for observation in told):
            self.forget()
            self._followed, self._heard_ns = game, captured_ns
            yield from told

    def forget(self) -> None:
        """Follow no game; the one that was followed has to begin anew."""
        if self._followed:
            self._decoders[self._followed] = GAMES[self._followed]()
        self._followed = ""

    def _speaks(self, captured_ns: int) -> bool:
        return captured_ns - self._heard_ns <= QUIET_NS
