"""Lay out the named numbers of a packet, for reading and for writing."""

import struct
from collections.abc import Mapping
from typing import Any, Final

WHEELS: Final = ("rl", "rr", "fl", "fr")
"""The order of wheels in every packet of the games."""


class Record:
    """Hold a layout of numbers, packed and little-endian.

    `text` names each number with its code of the struct module: `speed:H`. `wear:4f` is a number
    for each wheel, `7x` are bytes that are not read, and written as zeros.
    """

    def __init__(self, text: str = "") -> None:
        fields = [field.rpartition(":") for field in text.split()]
        self._struct = struct.Struct("<" + "".join(code for _, _, code in fields))
        self.size = self._struct.size
        named = [(name, code) for name, _, code in fields if name]
        self.names = tuple(
            part
            for name, code in named
            for part in ([f"{name}_{wheel}" for wheel in WHEELS] if code[0] == "4" else [name])
        )
        self._limits = tuple(
            limit for _, code in named for limit in [_limits(code)] * (4 if code[0] == "4" else 1)
        )

    def numbers(self, packet: bytes, start: int = 0) -> tuple[Any, ...]:
        """Return the numbers in order; raises struct.error when the packet is too short."""
        return self._struct.unpack_from(packet, start)

    def read(self, packet: bytes, start: int) -> dict[str, Any]:
        """Return the numbers by name; raises struct.error when the packet is too short."""
        return dict(zip(self.names, self._struct.unpack_from(packet, start), strict=True))

    def write(self, packet: bytearray, start: int, values: Mapping[str, float]) -> None:
        """Put numbers into a packet, 0 where there is none, rounded and limited to what fits."""
        fitting = (
            _fit(values.get(name, 0), limits)
            for name, limits in zip(self.names, self._limits, strict=True)
        )
        self._struct.pack_into(packet, start, *fitting)


def _limits(code: str) -> tuple[int, int] | None:
    """Return the least and the greatest whole number of a code, None for floats."""
    if code[-1] in "fd":
        return None
    bits = 8 * struct.calcsize(f"<{code[-1]}")
    return (0, (1 << bits) - 1) if code[-1].isupper() else (-(1 << bits - 1), (1 << bits - 1) - 1)


def _fit(value: float, limits: tuple[int, int] | None) -> float:
    return value if limits is None else max(limits[0], min(limits[1], round(value)))
