"""Assetto Corsa: datagrams of its remote telemetry in, observations out.

Reads: RTCarInfo, RTLap and the answer to a handshake (UDP 9996).
Guarantees: repeated and overtaken datagrams give no frame; no driver's name leaves this package.
Does not guarantee: the track's name when the handshake was not seen, or the track's length.
"""

from producers.sources.assetto.stream import Decoder, decoder

__all__ = ["Decoder", "decoder"]
