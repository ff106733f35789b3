"""The description of a session, merged from all events."""

from collections.abc import Iterable

from msgspec.structs import replace

from consumers.timing.layout import ordered
from consumers.timing.reports import MAX_LEFT_OUT, LeftOuts, merge_left_out, merge_opened
from consumers.timing.segments import Segment
from schemas.sim import MAX_COUNT, LeftOut, SessionOpened
from schemas.timing import Session


def session_of(session: str, driver: str, segments: Iterable[Segment]) -> Session | None:
    """Return the session, None before its first frame or event."""
    known = list(segments)
    driven = ordered(known)
    opened = _opened(known)
    starts = [segment.oldest.first_ns for segment in driven if segment.oldest]
    if not starts and opened is None:
        return None
    opened = opened or SessionOpened(at_ns=starts[0], source="")
    finished = [s.finished_ns for s in known if s.finished_ns is not None]
    return Session(
        session=session,
        driver=driver,
        at_ns=opened.at_ns,
        source=opened.source,
        source_version=opened.source_version,
        kind=opened.kind,
        track=opened.track,
        track_length_m=opened.track_length_m,
        car=opened.car,
        car_model=opened.car_model,
        sectors=opened.sectors,
        started_ns=min(starts, default=opened.at_ns),
        finished_ns=max(finished, default=None),
        left_out=_left_out(known),
    )


def _opened(segments: Iterable[Segment]) -> SessionOpened | None:
    """Merge the descriptions of the session in the order of their times."""
    merged: SessionOpened | None = None
    describing = sorted(
        (s for s in segments if s.opened),
        key=lambda s: (s.opened.at_ns, s.run, s.first),  # type: ignore[union-attr]
    )
    for segment in describing:
        merged = merge_opened(merged, segment.opened)
    return merged


def _left_out(segments: Iterable[Segment]) -> tuple[LeftOut, ...]:
    """Add up over the runs of a session what each of them left out."""
    by_run: dict[int, LeftOuts] = {}
    for segment in segments:
        by_run[segment.run] = merge_left_out(by_run.get(segment.run, {}), segment.left_out)
    sums: LeftOuts = {}
    for kind, event in (item for run in sorted(by_run) for item in by_run[run].items()):
        before = sums[kind].count if kind in sums else 0
        sums[kind] = replace(event, count=min(before + event.count, MAX_COUNT), at_ns=0)
    return tuple(sums[kind] for kind in sorted(sums)[:MAX_LEFT_OUT])
