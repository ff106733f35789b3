"""The topology: streams.yaml, the only place that names streams, subjects and services."""

from pitbox.topology.file import find, load, parse
from pitbox.topology.model import (
    Consumer,
    Producer,
    Route,
    Stream,
    Topology,
    TopologyError,
    seconds,
    size_bytes,
)

__all__ = [
    "Consumer",
    "Producer",
    "Route",
    "Stream",
    "Topology",
    "TopologyError",
    "find",
    "load",
    "parse",
    "seconds",
    "size_bytes",
]
