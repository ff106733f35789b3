"""F1 2018 to 2026: datagrams of the game (UDP 20777) in, observations out."""

from producers.sources.f1.decoder import Decoder, decoder

__all__ = ["Decoder", "decoder"]
