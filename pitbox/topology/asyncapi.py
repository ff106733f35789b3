"""Describe the topology as an AsyncAPI 3.1 document.

The format is https://www.asyncapi.com/docs/reference/specification/v3.1.0.
"""

from typing import Any

import msgspec

from pitbox import __version__
from pitbox.topology.model import Consumer, Producer, Route, Topology
from schemas.registry import EVENTS


def asyncapi(topology: Topology) -> dict[str, Any]:
    """Return the document: channels, messages, operations; JetStream's limits as `x-jetstream`."""
    _, schemas = msgspec.json.schema_components(
        EVENTS.values(), ref_template="#/components/schemas/{name}"
    )
    return {
        "asyncapi": "3.1.0",
        "info": {"title": "PitBox", "version": __version__},
        "defaultContentType": "application/msgpack",
        "channels": {
            name: _channel(topology, name, route) for name, route in topology.routes.items()
        },
        "operations": _operations(topology),
        "components": {
            "schemas": schemas,
            "messages": {
                tag: {"name": tag, "payload": {"$ref": f"#/components/schemas/{kind.__name__}"}}
                for tag, kind in EVENTS.items()
            },
        },
    }


def _channel(topology: Topology, name: str, route: Route) -> dict[str, Any]:
    channel: dict[str, Any] = {
        "address": route.subject,
        "messages": {tag: {"$ref": f"#/components/messages/{tag}"} for tag in route.events},
        "parameters": {field: {} for field in route.fields},
    }
    if name in topology.stream_of:
        stream = topology.stream_of[name]
        limits = msgspec.structs.asdict(topology.streams[stream])
        channel["x-jetstream"] = {"stream": stream} | {
            key: value for key, value in limits.items() if key != "routes"
        }
    return channel


def _operations(topology: Topology) -> dict[str, Any]:
    operations = {}
    services: dict[str, Producer | Consumer] = {**topology.producers, **topology.consumers}
    for name, service in services.items():
        for action, routes in (("send", service.writes), ("receive", service.reads)):
            for route in routes:
                operations[f"{name}.{action}.{route}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{route}"},
                    "summary": f"{name}: {service.about}",
                }
    return operations
