"""Read streams.yaml, the only place that names streams, subjects and services.

`load` parses it strictly into a `Topology` and raises TopologyError with the place of a mistake.
`admin` changes JetStream to match it; `asyncapi` describes it. Only `admin` talks to nats-server.
"""

from pitbox.topology.file import consumers, find, load, parse
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
    "consumers",
    "find",
    "load",
    "parse",
    "seconds",
    "size_bytes",
]
