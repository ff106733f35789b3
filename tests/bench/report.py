"""The results of a bench: a table for people and `bench.json` for machines."""

import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

Better = Literal["higher", "lower"]
WIDTH: Final = 34


class Result(Struct, frozen=True):
    """One figure of PitBox beside its peers and the limit; ratios above 1 are better.

    Figures are medians of rounds; ratios are medians of the ratios of paired rounds.
    """

    name: str
    value: float
    unit: str
    better: Better
    peers: dict[str, float] = {}
    ratios: dict[str, float | None] = {}
    limit: float | None = None
    ratio_best_peer: float | None = None
    ratio_limit: float | None = None


def result(
    name: str,
    unit: str,
    better: Better,
    rounds: Iterable[float],
    *,
    peers: Mapping[str, Iterable[float]] | None = None,
    limit: Iterable[float] = (),
) -> Result:
    """Summarise rounds."""
    ours = list(rounds)
    theirs = {peer: list(values) for peer, values in (peers or {}).items()}
    medians = {peer: statistics.median(values) for peer, values in theirs.items() if values}
    pick = max if better == "higher" else min
    best = pick(medians, key=medians.__getitem__, default=None)
    limits = list(limit)
    ratios = {peer: _ratio(ours, theirs[peer], better) for peer in medians}
    return Result(
        name=name,
        value=statistics.median(ours),
        unit=unit,
        better=better,
        peers=medians,
        ratios=ratios,
        limit=statistics.median(limits) if limits else None,
        ratio_best_peer=ratios.get(best) if best else None,
        ratio_limit=_ratio(ours, limits, better) if limits else None,
    )


def _ratio(ours: list[float], theirs: list[float], better: Better) -> float | None:
    """Return the median ratio, None where each round has a figure too small to measure."""
    pairs = (
        zip(ours, theirs, strict=False) if better == "higher" else zip(theirs, ours, strict=False)
    )
    ratios = [above / below for above, below in pairs if below]
    return statistics.median(ratios) if ratios else None


def table(results: Iterable[Result]) -> str:
    """Write results as lines, each followed by its peers and the limit."""
    lines = []
    for one in results:
        lines.append(f"{one.name:<{WIDTH}} {_number(one.value):>10} {one.unit}")
        for peer, value in sorted(one.peers.items()):
            lines.append(f"  {peer:<{WIDTH - 2}} {_number(value):>10}{_times(one.ratios[peer])}")
        if one.limit is not None:
            times = _times(one.ratio_limit)
            lines.append(f"  {'the limit':<{WIDTH - 2}} {_number(one.limit):>10}{times}")
    return "\n".join(lines)


def write(results: Iterable[Result], path: Path) -> None:
    """Write `bench.json`."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(list(results))) + b"\n")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"   PitBox {ratio:.2g}x"
