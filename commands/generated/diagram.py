"""The topology as a picture."""

from pitbox.topology import Consumer, Producer, Topology


def mermaid(topology: Topology) -> str:
    """Draw services, streams and direct subjects as a Mermaid flowchart."""
    services: dict[str, Producer | Consumer] = {**topology.producers, **topology.consumers}
    lines = ["flowchart LR"]
    lines += [f'  {name}["{name}"]' for name in services]
    lines += [f'  {name}[("{name}")]' for name in topology.streams]
    links: dict[tuple[str, str], list[str]] = {}
    for name, service in services.items():
        for route in service.writes:
            if route in topology.stream_of:
                links.setdefault((name, topology.stream_of[route]), []).append(route)
            else:
                for reader in _readers(services, route):
                    links.setdefault((name, reader), []).append(route)
        for route in service.reads:
            if route in topology.stream_of:
                links.setdefault((topology.stream_of[route], name), [])
    for (source, target), routes in links.items():
        label = "<br/>".join(route for route in routes if route not in topology.stream_of)
        arrow = f'-. "{label}" .->' if label else "-->"
        if source != target:
            lines.append(f"  {source} {arrow} {target}")
    return "\n".join(lines)


def _readers(services: dict[str, Producer | Consumer], route: str) -> list[str]:
    return [name for name, service in services.items() if route in service.reads]
