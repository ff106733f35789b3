"""The F1 games of Codemasters and EA, 2018 to 2026: packets of UDP 20777 in, observations out."""

from producers.sources.f1.stream import Decoder, decoder

__all__ = ["Decoder", "decoder"]
