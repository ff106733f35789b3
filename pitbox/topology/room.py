"""Compare the limits of streams with the room of nats-server: pure."""

from typing import Final

from pitbox.topology.model import Topology, size_bytes

LEAST_STORE_BYTES: Final = 8_000_000_000
SPARE: Final = 1.25
"""Room for streams that are declared while nats-server runs."""

GB: Final = 1e9


def reserved_bytes(topology: Topology) -> int:
    """Return the bytes that the streams of streams.yaml may take on disk together."""
    streams = topology.streams.values()
    return sum(size_bytes(one.max_bytes) for one in streams if one.storage == "file")


def store_bytes(topology: Topology) -> int:
    """Return `max_file_store` for nats-server's configuration, above the sum of all limits."""
    return max(LEAST_STORE_BYTES, int(SPARE * reserved_bytes(topology)))


def above_limit(topology: Topology, limit_bytes: int) -> str:
    """Return that the streams exceed nats-server's own limit and what to do, "" if they fit."""
    wanted = reserved_bytes(topology)
    if wanted <= limit_bytes:
        return ""
    return (
        f"max_bytes of all streams in streams.yaml is {wanted / GB:.1f} GB together, but "
        f"nats-server's max_file_store is {limit_bytes / GB:.1f} GB: lower max_bytes, or start "
        "nats-server again with a configuration of `pitbox up` or `pitbox keys config`"
    )


def above_volume(topology: Topology, room_bytes: int, folder: str) -> str:
    """Return that the streams exceed their volume and what to do, "" if they fit.

    `room_bytes` is the free room of the volume and what the streams in `folder` have taken of it.
    """
    wanted = reserved_bytes(topology)
    if wanted <= room_bytes:
        return ""
    return (
        f"max_bytes of all streams in streams.yaml is {wanted / GB:.1f} GB together, but their "
        f"volume has room for {room_bytes / GB:.1f} GB at {folder}: make room there, keep the "
        "stack on another volume (--folder), or lower max_bytes in streams.yaml"
    )
