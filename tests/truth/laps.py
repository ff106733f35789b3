"""Drive one stint, fold it, and pair what was said about each lap with its truth."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from producers.sources.sim import Truth
from producers.sources.sim.habit import losses_s, parts_s
from producers.sources.sim.lap import Lap
from producers.sources.sim.laps import Drive
from producers.sources.sim.track import Track as Circuit
from producers.sources.sim.truth import truths
from schemas.coaching import Moment, Silence
from schemas.passes import Passes
from schemas.track import Corner, Track
from tests.truth.folding import Recorded, fold, learned
from tests.truth.judge import Claim, Known, Made, Verdict, judge
from tests.truth.stints import Stint


class JudgedLap(Struct, frozen=True):
    """Hold one lap: its truth, what was said or why nothing was, and the judgement."""

    stint: Stint
    known: Known
    mistakes: tuple[Truth, ...]
    silent: str
    claim: Claim | None = None
    verdict: Verdict | None = None


def drive(stint: Stint) -> list[JudgedLap]:
    """Drive a stint and judge what is said about its flying laps."""
    race = stint.race()
    recorded = Recorded(race)
    track = learned(recorded, race.track)
    said = {passes.lap_number: (passes, fact) for passes, fact in fold(recorded, track)}
    return [
        _judged(stint, lap, track, *said[lap.task.number])
        for lap in _flying(race.laps or 0, Drive(race))
    ]


def _flying(count: int, driven: Drive) -> Iterator[Lap]:
    for lap in driven.laps():
        if lap.task.number > count:
            return
        if lap.task.number > 0:
            yield lap


def _judged(
    stint: Stint, lap: Lap, track: Track, passes: Passes, fact: Moment | Silence
) -> JudgedLap:
    claim = _claim(fact, track, passes, lap.task.track) if isinstance(fact, Moment) else None
    mistakes = tuple(truths(lap))
    known = Known(
        lap=lap.task.number,
        lost_s=losses_s(lap),
        parts_s=_parts_s(lap, claim.turns) if claim else {},
        made=tuple(Made(one.mistake.turn, one.mistake.kind, one.cost_s) for one in mistakes),
        is_hindered=bool(lap.task.hindrances),
    )
    return JudgedLap(
        stint=stint,
        known=known,
        mistakes=mistakes,
        silent=fact.reason if isinstance(fact, Silence) else "",
        claim=claim,
        verdict=judge(claim, known) if claim else None,
    )


def _parts_s(lap: Lap, turns: Sequence[int]) -> dict[str, float]:
    parts: dict[str, float] = {}
    for turn in turns:
        for part, lost_s in parts_s(lap, turn).items():
            parts[part] = parts.get(part, 0.0) + lost_s
    return parts


def _claim(said: Moment, track: Track, passes: Passes, circuit: Circuit) -> Claim:
    """Return the claim of a moment, with the turns that are in its corner's share of the lap."""
    slowed = [loss.corner for loss in passes.losses]
    names = [corner.name for corner in track.corners]
    if passes.judged == "off":
        # After it there are no losses, slowed or not.
        slowed += names[names.index(slowed[-1]) :]
    places = [corner for corner in track.corners if corner.name in slowed]
    turns = tuple(
        corner.number
        for corner in circuit.corners
        if _last(places, corner.apex_m).name == said.corner
    )
    return Claim(turns, said.cause, said.worth_s)


def _last(places: Sequence[Corner], at_m: float) -> Corner:
    """Return the last corner that began before a place; before all of them it is the last one."""
    return [places[-1], *(corner for corner in places if corner.entry_m <= at_m)][-1]
