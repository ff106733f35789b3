"""Assetto Corsa: datagrams of its remote telemetry in, observations out."""

from producers.sources.assetto.stream import Decoder, decoder

__all__ = ["Decoder", "decoder"]
