"""Read and write the named numbers of a packet."""

import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final

WHEELS: Final = ("rl", "rr", "fl", "fr")
"""Order of the wheels in every packet of the games."""

Limits = tuple[int, int]


class Record:
    """Hold a layout of numbers, packed and little-endian.

    `text` names each number with its code of the struct module: `speed:H`. `wear:4f` is a number
    for each wheel, `name:48s` are 48 bytes. `7x` are bytes that are not read, and written as zeros.
    """

    def __init__(self, text: str = "") -> None:
        fields = [field.rpartition(":") for field in text.split()]
        self._struct = struct.Struct("<" + "".join(code for _, _, code in fields))
        named = [one for name, _, code in fields if name for one in _expanded(name, code)]
        self._places = {name: (place, limits) for place, (name, limits) in enumerate(named)}
        self._blank = self._struct.unpack(bytes(self._struct.size))
        self.names = tuple(self._places)
        self.size = self._struct.size

    def numbers(self, packet: bytes, start: int = 0) -> tuple[Any, ...]:
        """Return the numbers in order; raises struct.error when the packet is too short."""
        return self._struct.unpack_from(packet, start)

    def read(self, packet: bytes, start: int) -> dict[str, Any]:
        """Return the numbers by name; raises struct.error when the packet is too short."""
        return dict(zip(self.names, self._struct.unpack_from(packet, start), strict=True))

    def write(self, packet: bytearray, start: int, values: Mapping[str, Any]) -> None:
        """Write numbers into a packet, rounded and limited to their type; 0 for a missing one."""
        numbers: list[Any] = list(self._blank)
        for name, value in values.items():
            if name in self._places:
                place, limits = self._places[name]
                numbers[place] = value if limits is None else _fit(value, *limits)
        self._struct.pack_into(packet, start, *numbers)


def _expanded(name: str, code: str) -> Iterator[tuple[str, Limits | None]]:
    """Yield the names of a field, each with its least and greatest number."""
    limits = _limits(code[-1])
    if code[:-1] == "4":
        yield from ((f"{name}_{wheel}", limits) for wheel in WHEELS)
    else:
        yield name, limits


def _limits(code: str) -> Limits | None:
    """Return the limits of whole numbers, None for floats and bytes."""
    if code in "fds":
        return None
    bits = 8 * struct.calcsize(f"<{code}")
    return (0, (1 << bits) - 1) if code.isupper() else (-(1 << bits - 1), (1 << bits - 1) - 1)


def _fit(value: float, least: int, most: int) -> int:
    whole = round(value)
    return least if whole < least else most if whole > most else whole
