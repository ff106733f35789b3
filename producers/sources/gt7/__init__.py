"""Gran Turismo 7: packets of the console in, observations out."""

from producers.sources.gt7.stream import PACKETS_PER_S, Decoder, decoder

__all__ = ["PACKETS_PER_S", "Decoder", "decoder"]
