"""The fault matrix: each case is a drive with something that goes wrong.

At the end of a case everything is repaired; then the ledgers are compared with Postgres.
"""

import time
from typing import Final

from tests.faults import faults, prefill
from tests.faults.pace import Pace
from tests.faults.stack import Stack
from tests.tools.servers import until

SLOW_BPS: Final = 1e6
SLOW_DELAY_S: Final = 0.02
SMALL_SPOOL_BYTES: Final = 1_000_000
MANY: Final = 100


def link_cut(stack: Stack, pace: Pace) -> None:
    """The link is cut: connections are reset and new ones refused."""
    car = stack.drives()
    stack.lasts(pace.drive_s)
    with faults.link_cut(car):
        stack.lasts(pace.outage_s)
    stack.healed()


def black_hole_healed(stack: Stack, pace: Pace) -> None:
    """The link drops everything silently, then the same connections continue."""
    car = stack.drives()
    stack.lasts(pace.drive_s)
    with faults.black_hole(car, reset=False):
        stack.lasts(pace.hole_s)
    stack.healed()


def black_hole_reset(stack: Stack, pace: Pace) -> None:
    """The link drops everything silently, and the old connections stay dead."""
    car = stack.drives()
    stack.lasts(pace.drive_s)
    with faults.black_hole(car, reset=True):
        stack.lasts(2 * pace.hole_s)
    stack.healed()


def slow_link(stack: Stack, pace: Pace) -> None:
    """A hole is filled over 1 Mbit/s and 20 ms each way while driving goes on."""
    car = stack.driver()
    car.link.slow(SLOW_BPS, SLOW_DELAY_S)
    car.start()
    stack.lasts(pace.drive_s)
    with faults.link_cut(car):
        stack.lasts(pace.outage_s)
    stack.healed()
    until(lambda: stack.database.rows("select from holes where not gone"), "the hole is shown")


def nats_killed(stack: Stack, pace: Pace) -> None:
    """nats-server is killed repeatedly."""
    stack.drives()
    for _ in range(pace.kills):
        stack.lasts(pace.drive_s)
        with faults.killed(stack.nats):
            stack.lasts(1)
    stack.healed()


def persister_killed(stack: Stack, pace: Pace) -> None:
    """The persister is killed repeatedly."""
    stack.drives()
    for _ in range(pace.kills):
        stack.lasts(pace.drive_s)
        with faults.killed(stack.persister):
            stack.lasts(1)
    stack.healed()


def persister_paused(stack: Stack, pace: Pace) -> None:
    """The persister is paused for longer than its ack wait, then continues with its batch."""
    stack.drives()
    stack.lasts(pace.drive_s)
    with faults.paused(stack.persister):
        stack.lasts(pace.paused_s)
    stack.healed()


def producer_killed(stack: Stack, pace: Pace) -> None:
    """The driver's app is killed repeatedly: several runs of one session."""
    car = stack.drives()
    for _ in range(pace.kills):
        stack.lasts(pace.drive_s)
        with faults.killed(car):
            stack.lasts(0.5)
    stack.healed()


def producer_killed_offline(stack: Stack, pace: Pace) -> None:
    """The driver's app is killed while its link is cut: unsent chunks are on its disk alone."""
    car = stack.drives()
    with faults.link_cut(car):
        for _ in range(pace.kills):
            stack.lasts(pace.drive_s)
            with faults.killed(car):
                stack.lasts(0.5)
    stack.healed()


def postgres_stopped(stack: Stack, pace: Pace) -> None:
    """Postgres stops without a checkpoint, repeatedly."""
    stack.drives()
    for _ in range(pace.kills):
        stack.lasts(pace.drive_s)
        with faults.postgres_stopped(stack):
            stack.lasts(1)
    stack.healed()


def store_wiped(stack: Stack, pace: Pace) -> None:
    """Every stream is deleted, with messages that were stored nowhere else."""
    stack.drives()
    stack.lasts(pace.drive_s)
    with faults.killed(stack.persister):
        stack.lasts(pace.away_s)
        with faults.store_wiped(stack):
            stack.lasts(1)
    stack.healed()


def store_tail_lost(stack: Stack, pace: Pace) -> None:
    """A power cut loses the streams' newest chunks, which Postgres does not have yet."""
    stack.drives()
    stack.lasts(pace.drive_s)
    with faults.killed(stack.persister), faults.store_goes_back(stack):
        stack.lasts(pace.away_s)
    stack.healed()


def store_goes_back(stack: Stack, pace: Pace) -> None:
    """The streams return to an older state while the persister runs ahead of them."""
    stack.drives()
    stack.lasts(pace.drive_s)
    with faults.store_goes_back(stack):
        stack.lasts(pace.away_s)
    stack.healed()


def database_goes_back(stack: Stack, pace: Pace) -> None:
    """Postgres is restored from a backup: the driver's spool sends the missing chunks again."""
    stack.drives()
    stack.lasts(pace.drive_s)
    with faults.database_goes_back(stack):
        stack.lasts(pace.away_s)
    stack.healed()


def stream_full(stack: Stack, pace: Pace) -> None:
    """The stream holds only a few seconds and drops the oldest chunks while no consumer runs."""
    stack.drives()
    stack.lasts(pace.drive_s)
    with faults.killed(stack.persister):
        until(lambda: stack.dropped_by_the_stream() > 100, "the stream drops its oldest", 60)
    stack.healed()


def spool_cloned(stack: Stack, pace: Pace) -> None:
    """A second PC starts with a copy of the first one's spool, and both drive."""
    first = stack.drives()
    stack.lasts(pace.drive_s)
    second = stack.driver()
    with faults.link_cut(first):
        stack.lasts(pace.drive_s)
        first.clone(second)
    second.start()
    until(lambda: first.measure("pitbox_drive_fenced"), "the older app is fenced")
    stack.lasts(pace.away_s)
    stack.healed()


def store_wiped_at_the_end(stack: Stack, pace: Pace) -> None:
    """No chunk follows those of the wiped streams: only a mark shows that the tail is missing."""
    car = stack.driver()
    car.drives(laps=1, speed=10)
    car.start()
    stack.lasts(pace.drive_s)
    with faults.killed(stack.persister):
        until(car.is_quiet, "the race is over", 60)
        with faults.store_wiped(stack):
            stack.lasts(1)
    stack.healed()


def spool_too_small(stack: Stack, pace: Pace) -> None:
    """Postgres loses chunks that a small spool has evicted: exactly those are declared gone."""
    car = stack.driver(spool_max_bytes=str(SMALL_SPOOL_BYTES))
    car.drives(speed=30)
    car.start()
    stack.lasts(pace.drive_s)
    with faults.database_goes_back(stack):
        before = len(car.committed())
        until(
            lambda: car.measure("pitbox_drive_dropped_total") > before + MANY,
            "chunks that the copy lacks are evicted",
            120,
        )
    stack.healed()


def backlog(stack: Stack, pace: Pace) -> None:
    """A restarted app drives while its spool still holds a long backlog."""
    car = stack.driver()
    car.connects_to(stack.nats.url)
    prefill.fill(car, pace.backlog_s)
    stack.healed()
    car.start()
    stack.fills(car.committed(), "it has caught up")
    caught_up_s = (time.time_ns() - stack.healed_ns) / 1e9
    stack.remark = f"{pace.backlog_s / caught_up_s:.0f}x real time"
