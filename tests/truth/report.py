"""Count judgements, and print them: by kind and size, what was missed, what was wrong."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from statistics import mean, pstdev

from msgspec import Struct

from producers.sources.sim.mistakes import KINDS
from tests.truth.judge import CAUSES, FOUND_FROM_S, MIXED, SIZES, Made, is_found, size_of
from tests.truth.laps import JudgedLap

ALIKE = (
    "not told apart in a trace, so each of these names is right:",
    *(
        f"  {part}: {', '.join(sorted(causes))}"
        for part, causes in CAUSES.items()
        if len(causes) > 1
    ),
    f"time_lost is right as well where no part of a loss has {MIXED:.0%} of it.",
)


class Share(Struct, frozen=True):
    """Hold a count out of another."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        """Return the share; 1 of nothing."""
        return self.part / self.whole if self.whole else 1.0

    def __str__(self) -> str:
        """Return the share with its counts."""
        return f"{self.value:.3f} ({self.part}/{self.whole})"


class Figures(Struct, frozen=True):
    """Hold the figures of one consistency; the issue's goals are about the first seven."""

    said: int
    true: Share
    cause: Share
    place: Share
    worth: Share
    recall: Share
    false: int
    clean_laps: int
    recall_small: Share
    false_hindered: Share
    worth_reachable: Share
    worth_habit: Share
    recall_habit: Share


def figures(laps: Sequence[JudgedLap]) -> Figures:
    """Count the judgements of the laps of one consistency.

    `recall_small` is of mistakes that cost 0.10 to 0.20 s; `recall_habit` of laps whose dearest
    corner lost 0.10 s against habit. `worth_reachable` is what claims of exactly the corner's loss
    against habit would reach.
    """
    said = [lap.verdict for lap in laps if lap.verdict]
    clean = [lap for lap in laps if lap.known.is_clean and lap.silent not in LEARNING]
    hindered = [lap for lap in laps if lap.known.is_hindered]
    made = [(one, lap) for lap in laps for one in lap.known.made if one.cost_s >= FOUND_FROM_S]
    lost = [lap for lap in laps if _dearest_s(lap) >= FOUND_FROM_S and lap.silent not in LEARNING]
    return Figures(
        said=len(said),
        true=_share(one.true for one in said),
        cause=_share(one.cause for one in said if one.cause is not None),
        place=_share(one.place for one in said if one.place is not None),
        worth=_share(one.within for one in said if one.within is not None),
        recall=_found(made),
        false=sum(_is_false(lap) for lap in clean),
        clean_laps=len(clean),
        recall_small=_found([(one, lap) for one, lap in made if one.cost_s < 0.2]),
        false_hindered=_share(_is_false(lap) for lap in hindered),
        worth_reachable=_share(one.reachable for one in said if one.reachable is not None),
        worth_habit=_share(one.within_habit for one in said),
        recall_habit=_share(
            lap.claim is not None
            and lap.known.lost_s.index(max(lap.known.lost_s)) + 1 in lap.claim.turns
            for lap in lost
        ),
    )


def last_line(consistency: float, found: Figures) -> str:
    """Return the line that a run ends with."""
    return (
        f"truth {consistency:.2f}: said {found.said}, true {found.true.value:.3f}, "
        f"cause {found.cause.value:.3f}, place {found.place.value:.3f}, "
        f"worth {found.worth.value:.3f}, recall {found.recall.value:.3f}, "
        f"false {found.false} in {found.clean_laps} clean laps"
    )


def tables(laps: Sequence[JudgedLap], found: Figures) -> Iterator[str]:
    """Yield the lines about one consistency: shares, kinds by size, misses and errors."""
    yield f"true {found.true}  cause {found.cause}  place {found.place}  worth {found.worth}"
    yield f"recall from 0.10 s {found.recall}, of 0.10 to 0.20 s alone {found.recall_small}"
    yield f"laps in traffic or under flags with a false sentence {found.false_hindered}"
    yield f"against habit: worth {found.worth_habit}, dearest corners found {found.recall_habit}"
    yield f"worth of exact losses against habit, which hold chance too: {found.worth_reachable}"
    off = [lap.verdict.off_s for lap in laps if lap.verdict and lap.verdict.off_s is not None]
    if off:
        yield f"claim minus cost of the mistake: mean {mean(off):+.3f} s, sd {pstdev(off):.3f} s"
    yield from _by_kind(laps)
    for noise in (False, True):
        some = [lap for lap in laps if lap.stint.is_noisy == noise]
        if some:
            yield f"{'real' if noise else 'exact'} instruments: {_short(figures(some))}"
    silent = Counter(lap.silent for lap in laps if lap.silent)
    yield f"silent: {', '.join(f'{reason} {count}' for reason, count in silent.most_common())}"
    yield from _list("missed", _missed(laps))
    yield from _list(
        "not true", (_described(lap) for lap in laps if lap.verdict and not lap.verdict.true)
    )
    yield from _list(
        "worth wrong",
        (_described(lap) for lap in laps if lap.verdict and lap.verdict.within is False),
    )
    yield from _list(
        "cause wrong",
        (_described(lap) for lap in laps if lap.verdict and lap.verdict.cause is False),
    )


LEARNING = frozenset({"learning_track", "learning_driver"})


def _by_kind(laps: Sequence[JudgedLap]) -> Iterator[str]:
    rows: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for lap in laps:
        for one in lap.known.made:
            rows[one.kind][f"made {size_of(one.cost_s)}"] += 1
            rows[one.kind][f"found {size_of(one.cost_s)}"] += is_found(one, lap.claim)
            if lap.claim and is_found(one, lap.claim):
                rows[one.kind][lap.claim.cause] += 1
    yield f"{'found of made':15}" + "".join(f"{name:>11}" for name, _ in SIZES) + "  said to be"
    for kind, counts in rows.items():
        cells = [f"{counts[f'found {name}']}/{counts[f'made {name}']}" for name, _ in SIZES]
        causes = [f"{name} {n}" for name, n in counts.most_common() if " " not in name]
        yield f"{kind:15}" + "".join(f"{cell:>11}" for cell in cells) + f"  {', '.join(causes)}"


def _missed(laps: Iterable[JudgedLap]) -> Iterator[str]:
    for lap in laps:
        for truth, made in zip(lap.mistakes, lap.known.made, strict=True):
            if made.cost_s >= FOUND_FROM_S and not is_found(made, lap.claim):
                instead = f"said of {lap.claim.turns}" if lap.claim else lap.silent
                yield (
                    f"{lap.stint.name} lap {lap.known.lap}: {made.kind} {truth.mistake.size:g} "
                    f"in turn {made.turn}, {made.cost_s:.3f} s; {instead}"
                )


def _described(lap: JudgedLap) -> str:
    assert lap.claim is not None
    lost_s = sum(lap.known.lost_s[turn - 1] for turn in lap.claim.turns)
    made = ", ".join(f"{one.kind} in {one.turn} {one.cost_s:.3f} s" for one in lap.known.made)
    parts = ", ".join(f"{part} {lost:+.3f}" for part, lost in lap.known.parts_s.items())
    hindered = "hindered" if lap.known.is_hindered else "clean"
    return (
        f"{lap.stint.name} lap {lap.known.lap}: {lap.claim.cause} {lap.claim.worth_s:.3f} s in "
        f"{lap.claim.turns}, lost {lost_s:.3f} s ({parts}); {made or hindered}"
    )


def _list(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    yield f"{title}: {len(found)}"
    yield from (f"  {line}" for line in found)


def _short(found: Figures) -> str:
    return f"true {found.true}, cause {found.cause}, worth {found.worth}, recall {found.recall}"


def _found(made: Sequence[tuple[Made, JudgedLap]]) -> Share:
    return _share(is_found(one, lap.claim) for one, lap in made)


def _share(answers: Iterable[bool]) -> Share:
    found = list(answers)
    return Share(sum(found), len(found))


def _is_false(lap: JudgedLap) -> bool:
    return lap.verdict is not None and not lap.verdict.true


def _dearest_s(lap: JudgedLap) -> float:
    return max(lap.known.lost_s)
