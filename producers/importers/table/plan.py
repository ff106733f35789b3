"""Decide which column of a table is which channel, in which unit."""

import re
from collections import defaultdict
from collections.abc import Mapping as Map
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from producers.importers.mapping import Mapped, Mapping, stated
from producers.importers.names import ANY, UNITS, WORD, superfluous, words
from producers.importers.table.layouts import ENGAGED, GARAGE_61, IRACING, ROW, Layout, layout_of
from producers.importers.table.wishes import Wish, wishes
from producers.importers.units import NONE, Scale, scale
from producers.source import SourceError
from producers.sources.iracing.channels import readings
from producers.sources.iracing.session import Facts
from producers.sources.iracing.ticks import Ticks

UNIT: Final = re.compile(r"(.*?)\s*[(\[]([^()\[\]]*)[)\]]\s*")
SUFFIXES: Final = {
    "kmh": "km/h", "kph": "km/h", "mph": "mph", "mps": "m/s", "deg": "deg", "rad": "rad",
    "pct": "%", "percent": "%", "psi": "psi", "kpa": "kPa", "bar": "bar", "s": "s", "ms": "ms",
    "m": "m",
}  # fmt: skip
"""Units at the end of a column's name, as in speed_kmh."""

TIMES: Final = (
    {("time",), ("timestamp",), ("datetime",), ("date", "time")},
    {("session", "time"), ("elapsed", "time"), ("log", "time")},
)
"""Names of columns that are the time; the first kind is preferred."""


ORDER: Final = tuple(UNITS)
RENAMED: Final = {"ABSActive": "BrakeABSactive"}
"""Names of Garage 61 that are not those of iRacing."""

SUPPLIED: Final = ("SessionTime", "Lap")
"""Variables that a lap of Garage 61 lacks."""


class Column(Struct, frozen=True):
    """Hold a channel and the place, name and conversion of its column."""

    channel: str
    place: int
    name: str
    scale: Scale


class Plan(Struct, frozen=True):
    """Hold how a table is read: the columns in the order of their channels.

    `time` is None where rows are evenly spaced. `layout` is None where it was guessed by names;
    `describing` are the places of the columns for track, car and kind of session, -1 for none.
    """

    mapping: Mapping
    layout: Layout | None
    time: Column | None
    columns: tuple[Column, ...]
    describing: tuple[int, int, int]


class _Choice(Struct, frozen=True):
    """Hold a column that may be a channel, and what is stated about its unit."""

    column: str
    scale: Scale
    stated: str


def plan(file: str, names: Sequence[str], cells: Map[str, str], chosen: Sequence[str]) -> Plan:
    """Plan the reading of a table with these columns and first row.

    `chosen` are the user's mappings. Raises SourceError when a column that is needed is missing,
    or a channel has several.
    """
    layout = layout_of(names, cells)
    if layout in (IRACING, GARAGE_61):
        if not chosen:
            return _of_iracing(names, layout)
        layout = None
    wanted = wishes(chosen, names, file)
    choices: dict[str, list[_Choice]] = defaultdict(list)
    for name in names:
        for channel, choice in _offered(name, layout):
            choices[channel].append(choice)
    time = _time(file, names, layout, wanted)
    wanted.pop("time", None)
    for channel, wish in wanted.items():
        choices[channel] = [_wished(wish)]
    _check(file, choices)
    for channel in superfluous(choices):
        del choices[channel]
    columns = tuple(
        Column(channel, names.index(options[0].column), options[0].column, options[0].scale)
        for channel, options in sorted(choices.items(), key=_place)
    )
    if not columns:
        raise SourceError(
            f"{file}: none of its columns is known with its unit: {', '.join(names)}. Map them: "
            '--map speed:km/h="COLUMN"'
        )
    return Plan(
        mapping=_stated(names, layout, time, choices),
        layout=layout,
        time=time,
        columns=columns,
        describing=_describing(names, layout),
    )


def _place(item: tuple[str, list[_Choice]]) -> int:
    return ORDER.index(item[0])


def _offered(name: str, layout: Layout | None) -> list[tuple[str, _Choice]]:
    """Return the channel that a column is by itself, in a list, which is empty for none."""
    if layout is not None:
        if name not in layout.columns:
            return []
        channel, unit = layout.columns[name]
        conversion = Scale(-1, 1) if unit == ENGAGED else scale(unit, UNITS[channel])
        if conversion is None:
            return []
        return [(channel, _Choice(name, conversion, stated(unit, "by the layout")))]
    bare, unit = _parted(name)
    channel = bare if bare in UNITS else ANY.get(words(bare), "")
    if not channel:
        return []
    target = UNITS[channel]
    if not unit and target == "s":
        return [(channel, _Choice(name, Scale(), "in s, the header states no unit"))]
    conversion = scale(unit, target)
    return [] if conversion is None else [(channel, _Choice(name, conversion, stated(unit)))]


def _parted(name: str) -> tuple[str, str]:
    """Part a column's name and its unit, "" where the name states none."""
    match = UNIT.fullmatch(name)
    if match:
        return match[1], match[2]
    found = WORD.findall(name)
    last = found[-1].casefold() if found else ""
    if last in ("rpm", "rpms"):
        return name, "rpm"
    if len(found) > 1 and last in SUFFIXES:
        return " ".join(found[:-1]), SUFFIXES[last]
    return name, ""


def _wished(wish: Wish) -> _Choice:
    """Return the choice of a user, whose column is in the channel's unit if none is stated.

    Raises SourceError when the header states one of another quantity.
    """
    target = UNITS.get(wish.channel, "s")
    unit = wish.unit or _parted(wish.column)[1]
    conversion = scale(unit, target)
    if conversion is not None:
        return _Choice(wish.column, conversion, stated(unit))
    if unit and target not in NONE:
        raise SourceError(
            f"--map {wish.channel}: {unit} in the header is no unit of it; state another one, "
            f'--map {wish.channel}:{target}="{wish.column}"'
        )
    taken = f"taken as {target}, the header states no unit" if target else ""
    return _Choice(wish.column, Scale(), taken)


def _time(
    file: str, names: Sequence[str], layout: Layout | None, wanted: Map[str, Wish]
) -> Column | None:
    """Return the column of the time; raises SourceError when there is none, or several."""
    if "time" in wanted:
        wish = wanted["time"]
        return Column("time", names.index(wish.column), wish.column, _wished(wish).scale)
    if layout is not None and layout.time == ROW:
        return None
    if layout is not None and layout.time:
        return Column("time", names.index(layout.time), layout.time, Scale())
    for kind in TIMES:
        found = [name for name in names if words(_parted(name)[0]) in kind]
        if len(found) > 1:
            raise SourceError(_several(file, "time", found))
        if found:
            conversion = scale(_parted(found[0])[1], "s") or Scale()
            return Column("time", names.index(found[0]), found[0], conversion)
    raise SourceError(
        f"{file} has no column that is known as the time: {', '.join(names)}. Name it: "
        '--map time="COLUMN", or --map time:ms="COLUMN"'
    )


def _check(file: str, choices: Map[str, list[_Choice]]) -> None:
    """Raise SourceError when a channel has several columns."""
    for channel, options in choices.items():
        if len(options) > 1:
            raise SourceError(_several(file, channel, [one.column for one in options]))


def _several(file: str, channel: str, columns: Sequence[str]) -> str:
    named = " or ".join(f'"{column}"' for column in columns)
    return f'{file}: {channel} may be {named}: name one, --map {channel}="{columns[0]}"'


def _stated(
    names: Sequence[str],
    layout: Layout | None,
    time: Column | None,
    choices: Map[str, list[_Choice]],
) -> Mapping:
    mapped = [] if time is None else [Mapped("time", time.name, "")]
    mapped += [
        Mapped(channel, options[0].column, options[0].stated)
        for channel, options in sorted(choices.items(), key=_place)
    ]
    used = {one.column for one in mapped}
    if layout is not None:
        used |= {layout.game, layout.track, layout.car_model, layout.kind}
    unused = tuple(name for name in names if name not in used)
    name = layout.name if layout else "unknown layout, read by the columns' names"
    return Mapping(name, tuple(mapped), unused, known=layout is not None)


def _describing(names: Sequence[str], layout: Layout | None) -> tuple[int, int, int]:
    if layout is None:
        return -1, -1, -1
    track, car_model, kind = (
        names.index(name) if name in names else -1
        for name in (layout.track, layout.car_model, layout.kind)
    )
    return track, car_model, kind


def _of_iracing(names: Sequence[str], layout: Layout) -> Plan:
    """Plan the reading of iRacing's variables, which are decoded as those of the sim are."""
    units = dict.fromkeys((*names, *SUPPLIED), "")
    units |= {theirs: "" for ours, theirs in RENAMED.items() if ours in names}
    variables = Ticks(units, Facts(), lambda _: "").variables
    back = {theirs: ours for ours, theirs in RENAMED.items() if ours in names}
    columns = tuple(
        Column(variable, names.index(name), name, Scale())
        for variable in variables
        if (name := back.get(variable, variable)) in names
    )
    mapped = tuple(
        Mapped(one.channel, ", ".join(back.get(name, name) for name in one.variables), "")
        for one in readings(units, Facts())
        if not set(one.variables) <= set(SUPPLIED) - set(names)
    )
    used = {column.name for column in columns}
    unused = tuple(name for name in names if name not in used)
    time = None
    if layout is IRACING:
        time = Column("time", names.index(layout.time), layout.time, Scale())
    return Plan(Mapping(layout.name, mapped, unused), layout, time, columns, (-1, -1, -1))
