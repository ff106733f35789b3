"""Cases in which the disk of a driver's PC lies, fills up, vanishes, or is a copy of another.

The app never ends, and every chunk that the disk took is in Postgres or declared gone.
"""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from producers.run_number import run_number
from producers.spool.disk import FILE
from producers.spool.pages import wal_of
from tests.faults import faults, prefill
from tests.faults.pace import Pace
from tests.faults.programs import Driver
from tests.faults.stack import Stack
from tests.tools import spooled
from tests.tools.servers import until
from tests.tools.spooled import Damage, flip_in
from tests.tools.volume import filled, small_volume

SESSION_FIELD: Final = 3
NUMBER_FIELD: Final = 5
TIME_FIELD: Final = 9
BLOCK_FIELD: Final = 12
ROTTEN: Final = 5
ZEROED: Final = 2
VOLUME_BYTES: Final = 8_000_000
AHEAD_S: Final = 3600
REFUSES: Final = "pitbox_drive_disk_refuses"
MOUNT_S: Final = 20


def bit_in_session(stack: Stack, pace: Pace) -> None:
    """A bit of the session's name has flipped in chunks that only the spool has."""
    _rots(stack, pace, flip_in(SESSION_FIELD))


def bit_in_number(stack: Stack, pace: Pace) -> None:
    """A bit of the chunk's number has flipped, so that it names another chunk."""
    _rots(stack, pace, flip_in(NUMBER_FIELD))


def bit_in_time(stack: Stack, pace: Pace) -> None:
    """A bit of the chunk's time has flipped."""
    _rots(stack, pace, flip_in(TIME_FIELD))


def bit_in_block(stack: Stack, pace: Pace) -> None:
    """A bit of the frames has flipped."""
    _rots(stack, pace, flip_in(BLOCK_FIELD))


def pages_zeroed(stack: Stack, pace: Pace) -> None:
    """Pages of the spool are zeroed while no app runs."""

    def damage(car: Driver) -> None:
        spooled.checkpoint(car.spool)
        spooled.zero_pages(car.spool, ZEROED, _name(car))

    _damaged(stack, pace, damage)


def pages_zeroed_while_running(stack: Stack, pace: Pace) -> None:
    """Pages of the spool are zeroed while the app runs, which has not read them yet."""
    car = stack.drives()
    stack.lasts(pace.drive_s)
    with faults.link_cut(car):
        stack.lasts(pace.away_s)
        with faults.killed(car):
            spooled.checkpoint(car.spool)
        spooled.zero_pages(car.spool, ZEROED, _name(car))
    until(partial(car.measure, "pitbox_drive_salvaged_total"), "the app salvages its spool")
    stack.healed()


def log_damaged(stack: Stack, pace: Pace) -> None:
    """The middle of the spool's write-ahead log is zeroed."""

    def damage(car: Driver) -> None:
        wal = wal_of(car.spool / FILE)
        content = bytearray(wal.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 5000] = bytes(5000)
        wal.write_bytes(content)

    _damaged(stack, pace, damage)


def log_lost(stack: Stack, pace: Pace) -> None:
    """The spool's write-ahead log is gone, with the newest chunks."""
    _damaged(stack, pace, lambda car: wal_of(car.spool / FILE).unlink())


def folder_away(stack: Stack, pace: Pace) -> None:
    """The spool's folder vanishes and comes back, as a stick that is pulled out."""
    car = stack.drives()
    stack.lasts(pace.drive_s)
    away = car.spool.rename(stack.fresh_folder("away"))
    _refuses(car)
    stack.lasts(pace.away_s)
    shutil.rmtree(car.spool, ignore_errors=True)
    away.rename(car.spool)
    _keeps(car)
    stack.healed()


def folder_deleted(stack: Stack, pace: Pace) -> None:
    """The spool's folder is deleted for good: the app makes another one."""
    car = stack.drives()
    stack.lasts(pace.drive_s)
    shutil.rmtree(car.spool)
    until((car.spool / FILE).exists, "the spool is back")
    _keeps(car)
    stack.healed()


def spool_full(stack: Stack, pace: Pace) -> None:
    """The spool's disk is full for a while: live goes on."""
    car = _on_volume(stack)
    car.start()
    stack.lasts(pace.drive_s)
    with filled(car.spool):
        _refuses(car)
        stack.lasts(pace.away_s)
    _keeps(car)
    stack.healed()


def spool_full_offline(stack: Stack, pace: Pace) -> None:
    """The spool's disk is full while there is no link: exactly what it refused is gone."""
    car = _on_volume(stack)
    car.start()
    stack.lasts(pace.drive_s)
    with faults.link_cut(car):
        with filled(car.spool):
            _refuses(car)
            stack.lasts(pace.away_s)
        _keeps(car)
    stack.healed()


def spool_full_at_start(stack: Stack, pace: Pace) -> None:
    """The spool's disk is full when the app starts: live goes on, and the spool follows."""
    car = _on_volume(stack)
    with filled(car.spool):
        car.start()
        _refuses(car)
        stack.lasts(pace.away_s)
    _keeps(car)
    stack.healed()


def spool_read_only(stack: Stack, pace: Pace) -> None:
    """The spool's disk takes no writes when the app starts, and later does."""
    car = _on_volume(stack)
    with _read_only(car.spool):
        car.start()
        _refuses(car)
        stack.lasts(pace.away_s)
    _keeps(car)
    stack.healed()


def spool_copied_ahead(stack: Stack, pace: Pace) -> None:
    """Two PCs start at once with copies of a spool, of which the newest run is in the future."""
    first, second = stack.driver(), stack.driver()
    run = run_number(int(time.time()) + AHEAD_S, 0, 0)
    prefill.fill(first, int(pace.away_s), run=run)
    shutil.copytree(first.spool, second.spool)
    first.start()
    second.start()
    stack.lasts(pace.drive_s + pace.away_s)
    stack.healed()


def _rots(stack: Stack, pace: Pace, damage: Damage) -> None:
    def some(car: Driver) -> None:
        newest = spooled.newest(car.spool)
        spooled.damage_rows(car.spool, range(newest - 3 * ROTTEN, newest - 2 * ROTTEN), damage)

    _damaged(stack, pace, some)


def _damaged(stack: Stack, pace: Pace, damage: Callable[[Driver], object]) -> None:
    """Damage a spool with chunks that nothing else has, while no app runs."""
    car = stack.drives()
    stack.lasts(pace.drive_s)
    with faults.link_cut(car):
        stack.lasts(pace.away_s)
        with faults.killed(car):
            damage(car)
    stack.healed()


def _on_volume(stack: Stack) -> Driver:
    """Return a PC whose spool has a small disk of its own."""
    car = stack.driver()
    stack.volumes.enter_context(small_volume(car.spool, VOLUME_BYTES))
    return car


@contextmanager
def _read_only(volume: Path) -> Iterator[None]:
    _remount(volume, "ro")
    yield
    _remount(volume, "rw")


def _remount(volume: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", str(volume)], timeout=MOUNT_S, check=True)


def _refuses(car: Driver) -> None:
    until(lambda: car.measure(REFUSES) == 1, "the app states that its disk keeps nothing")


def _keeps(car: Driver) -> None:
    until(lambda: car.measure(REFUSES) == 0, "the disk keeps chunks again")


def _name(car: Driver) -> str:
    return car.environment["PITBOX_DRIVER__NAME"]


GONE: Final = (
    *(bit_in_session, bit_in_number, bit_in_time, bit_in_block),
    *(pages_zeroed, pages_zeroed_while_running, log_lost, spool_full_offline),
)
EITHER: Final = (log_damaged, spool_full_at_start, spool_read_only)
"""The log has most chunks several times, so damage of it may cost none. An app whose disk keeps
nothing loses the chunks that it makes before it is connected, if it makes any."""

WHOLE: Final = folder_away, folder_deleted, spool_full, spool_copied_ahead
