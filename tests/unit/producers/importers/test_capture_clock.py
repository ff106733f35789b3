"""Times of captures with a clock that stood still are repaired, and others kept."""

from itertools import pairwise

from producers.importers.capture_clock import mended
from producers.importers.pcap import Datagram
from producers.sources.f1 import layouts
from tests.tools.f1_game import Game

AT_NS = 1_700_000_000_000_000_000


def f1(time_s: float, frame: int, at_ns: int = AT_NS) -> Datagram:
    return Datagram(at_ns, Game().packet(layouts.LAP, time_s=time_s, frame=frame))


def times_s(datagrams: list[Datagram]) -> list[float]:
    return [round((one.captured_ns - AT_NS) / 1e9, 3) for one in mended(datagrams)]


def test_frames_with_the_same_time_get_the_steps_of_the_games_clock() -> None:
    assert times_s([f1(5.0, 1), f1(5.0, 1), f1(5.02, 2), f1(5.06, 3)]) == [0, 0, 0.02, 0.06]


def test_before_the_sessions_time_begins_the_frame_number_gives_the_step() -> None:
    assert times_s([f1(0.0, 1), f1(0.0, 2), f1(0.0, 4)]) == [0, 0.017, 0.05]


def test_times_of_a_running_clock_are_kept() -> None:
    captured = [f1(frame / 60, frame, AT_NS + frame * 20_000_000) for frame in range(10)]
    assert list(mended(captured)) == captured


def test_no_datagram_is_earlier_than_the_one_before_it() -> None:
    captured = [f1(1.0, 1), f1(1.5, 2), f1(1.6, 3, AT_NS + 100_000_000), f1(1.7, 4, AT_NS)]
    assert all(a.captured_ns <= b.captured_ns for a, b in pairwise(mended(captured)))


def test_other_games_keep_their_times() -> None:
    captured = [Datagram(AT_NS, b"not a packet of F1")] * 3
    assert list(mended(captured)) == captured
