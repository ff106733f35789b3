"""The F1 games of Codemasters and EA, 2018 to 2026: packets of UDP 20777 in, observations out.

Reads: the packets of formats 2018 to 2026, in any order within an instant.
Writes: `encode` also turns observations into packets, to drive this source in tests and demos.
Guarantees: only the first player's car gives frames; each lap is reported once, and again only when
the game corrects it.
Does not guarantee: packets that a format lacks, such as the session history before 2021.
"""

from producers.sources.f1.stream import Decoder, decoder

__all__ = ["Decoder", "decoder"]
