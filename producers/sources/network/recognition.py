"""Recognise games by their datagrams, and follow the one that is driven."""

from collections.abc import Callable, Iterator
from typing import Final

from producers.left_out import Tally
from producers.source import Began, Decoder, Observation
from producers.sources import assetto, f1, gt7
from schemas.sim import LeftOut

QUIET_NS: Final = 2_000_000_000
TITLES: Final = {"f1": "F1", "gt7": "Gran Turismo 7", "assetto": "Assetto Corsa"}
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
    """Follow the first game that begins a session; take datagrams of all games and senders.

    Another game, or the same one of another sender, takes over when the followed one gave no
    observation for `QUIET_NS`. Datagrams that are not used are counted.
    """

    def __init__(self, games: tuple[str, ...] = tuple(GAMES)) -> None:
        self._decoders = {game: GAMES[game]() for game in games}
        self._followed = self._sender = ""
        self._observed_ns = 0
        self._left_out = Tally()
        self.recognised = 0
        self.unknown = 0

    def feed(self, datagram: bytes, captured_ns: int, sender: str = "") -> Iterator[Observation]:
        """Decode one datagram, in order of arrival; yield the followed game's observations.

        `sender` is the address of the machine that sent it.
        """
        game = next((g for g, d in self._decoders.items() if d.recognises(datagram)), None)
        ours = sender == self._sender
        game = game or (self._followed if ours else None)
        if not game:
            self.unknown += 1
            self._left_out.add("unknown")
            return
        self.recognised += 1
        if game == self._followed and ours:
            observations = tuple(self._decoders[game].feed(datagram, captured_ns))
            self._observed_ns = captured_ns if observations else self._observed_ns
            yield from observations
        elif self._followed and captured_ns - self._observed_ns <= QUIET_NS:
            self._left_out.add("other_game", TITLES[game])
        else:
            yield from self._take_over(game, sender, datagram, captured_ns)

    def left_out(self, at_ns: int) -> Iterator[LeftOut]:
        """Yield the counts of datagrams that were not used since the last call."""
        yield from self._left_out.take(at_ns)
        for decoder in self._decoders.values():
            yield from decoder.left_out.take(at_ns)

    def close(self) -> Iterator[Observation]:
        """Yield the last observations, at the end of a recording."""
        if self._followed:
            yield from self._decoders[self._followed].close()

    def forget(self) -> None:
        """Stop following a game, and reset its decoder: it has to begin a session again."""
        if self._followed:
            self._decoders[self._followed] = self._anew(self._followed)
        self._followed = self._sender = ""

    def _anew(self, game: str) -> Decoder:
        """Return a fresh decoder that goes on counting."""
        decoder = GAMES[game]()
        decoder.left_out = self._decoders[game].left_out
        return decoder

    def _take_over(
        self, game: str, sender: str, datagram: bytes, captured_ns: int
    ) -> Iterator[Observation]:
        """Follow another game, or another sender, if this datagram begins a session."""
        decoder = self._anew(game) if game == self._followed else self._decoders[game]
        observations = tuple(decoder.feed(datagram, captured_ns))
        if any(isinstance(observation, Began) for observation in observations):
            self.forget()
            self._decoders[game] = decoder
            self._followed, self._sender, self._observed_ns = game, sender, captured_ns
            yield from observations
