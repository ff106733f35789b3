"""Find, parse and check streams.yaml."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml
from msgspec import Struct

from pitbox.topology.contradictions import contradictions
from pitbox.topology.model import Consumer, Producer, Route, Stream, Topology, TopologyError

Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SECTIONS: Final[dict[str, type[Struct]]] = {
    "direct": Route,
    "producers": Producer,
    "consumers": Consumer,
}


def find(path: str = "") -> Path:
    """Return the path of streams.yaml: the given one, else the checkout's, else the wheel's.

    Raises TopologyError when there is none.
    """
    package = Path(__file__).parents[1]
    shipped = [package.parent / "streams.yaml", package / "streams.yaml"]
    candidates = [Path(path)] if path else shipped
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise TopologyError(f"no streams.yaml at {os.fspath(candidates[0])}; set PITBOX_STREAMS")


def load(path: str = "") -> Topology:
    """Read and check streams.yaml; raises TopologyError naming the place of a mistake."""
    return parse(find(path).read_text())


def consumers(path: str = "") -> tuple[str, ...]:
    """Return the names of the consumers in streams.yaml, without checking the rest of it.

    So a process that was started with older schemas reads a newer file. Raises TopologyError.
    """
    try:
        document = yaml.load(find(path).read_text(), Loader)
    except yaml.YAMLError as error:
        raise TopologyError("streams.yaml: " + " ".join(str(error).split())) from None
    return tuple(str(name) for name, _ in _items(document, "consumers"))


def parse(text: str) -> Topology:
    """Parse and check the text of streams.yaml; raises TopologyError as `load`."""
    try:
        document = yaml.load(text, Loader)
        topology = msgspec.convert(document, Topology)
    except yaml.YAMLError as error:
        raise TopologyError("streams.yaml: " + " ".join(str(error).split())) from None
    except msgspec.ValidationError as error:
        raise TopologyError(f"streams.yaml: {_located(document, str(error))}") from None
    if problems := contradictions(topology):
        raise TopologyError("streams.yaml: " + "; ".join(problems))
    return topology


def _located(document: Any, message: str) -> str:
    """Fill in the keys of mappings in msgspec's message, which has `[...]` for them."""
    for path, value, kind in _entries(document) if "[...]" in message else ():
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            what, _, where = str(error).partition(" - at `$")
            return f"{what} - at `$.{path}{where or '`'}"
    return message


def _entries(document: Any) -> Iterator[tuple[str, Any, type[Struct]]]:
    for name, stream in _items(document, "streams"):
        for route, value in _items(stream, "routes"):
            yield f"streams.{name}.routes.{route}", value, Route
        yield f"streams.{name}", stream, Stream
    for section, kind in SECTIONS.items():
        for name, value in _items(document, section):
            yield f"{section}.{name}", value, kind


def _items(mapping: Any, key: str) -> Iterable[tuple[Any, Any]]:
    found = mapping.get(key) if isinstance(mapping, dict) else None
    return found.items() if isinstance(found, dict) else ()
