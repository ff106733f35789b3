"""Gran Turismo 7: packets of the console in, observations out.

Reads: the encrypted packets of kinds A, B, ~ and C (UDP 33740).
Guarantees: repeated and overtaken packets, menus and pauses give no frame.
Does not guarantee: a session id, a track or a true lap distance; the game sends none.
"""

from producers.sources.gt7.stream import PACKETS_PER_S, Decoder, decoder

__all__ = ["PACKETS_PER_S", "Decoder", "decoder"]
