"""Faults of what is derived: its service, its rows, and the chunks that it rests on."""

from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial

from nats.js.api import DiscardPolicy

from consumers.timing.service import Timing
from pitbox.chunks.owner import Owner
from pitbox.nats.bus import Bus
from pitbox.service.derivation import without_crc
from pitbox.settings import Nats
from tests.faults import faults, oracle, peers
from tests.faults.pace import Pace
from tests.faults.programs import Driver, Service
from tests.faults.stack import SESSION, Stack
from tests.tools.servers import FOLDERS, until

NOTICED_S = 8.0
LAP_SPEED = 20.0
"""At this speed a lap of the simulator takes a few seconds."""


def timing_killed(stack: Stack, pace: Pace) -> None:
    """Timing is killed repeatedly."""
    laps(stack)
    for _ in range(pace.kills):
        stack.lasts(pace.drive_s)
        with faults.killed(stack.timing):
            stack.lasts(1)
    stack.healed()


def timing_paused(stack: Stack, pace: Pace) -> None:
    """Timing is paused, then continues with old messages."""
    laps(stack)
    stack.lasts(pace.drive_s)
    with faults.paused(stack.timing):
        stack.lasts(pace.paused_s)
    stack.healed()


def corners_and_coach_killed(stack: Stack, pace: Pace) -> None:
    """The services that derive facts from facts are killed repeatedly, in turn."""
    laps(stack)
    for number in range(2 * pace.kills):
        stack.lasts(pace.drive_s)
        with faults.killed((stack.corners, stack.coach)[number % 2]):
            stack.lasts(1)
    stack.healed()


def corners_away_while_postgres_goes_back(stack: Stack, pace: Pace) -> None:
    """Postgres is restored from a backup while no fact is derived from facts."""
    laps(stack)
    stack.lasts(pace.drive_s)
    away = faults.killed(stack.corners), faults.killed(stack.coach)
    with away[0], away[1], faults.database_goes_back(stack):
        stack.lasts(pace.away_s)
    stack.healed()


def timing_away_while_the_store_is_wiped(stack: Stack, pace: Pace) -> None:
    """Persister and timing are away, and every stream is deleted meanwhile."""
    laps(stack)
    stack.lasts(pace.drive_s)
    with faults.killed(stack.persister), faults.killed(stack.timing):
        stack.lasts(pace.away_s)
        with faults.store_wiped(stack):
            stack.lasts(1)
    stack.healed()


def database_goes_back_while_timing_is_away(stack: Stack, pace: Pace) -> None:
    """Postgres is restored from a backup before timing starts again."""
    laps(stack)
    stack.lasts(pace.drive_s)
    with faults.killed(stack.timing), faults.database_goes_back(stack):
        stack.lasts(pace.away_s)
    stack.healed()


def database_and_store_go_back(stack: Stack, pace: Pace) -> None:
    """Postgres and the streams are both restored from copies of different ages."""
    laps(stack)
    stack.lasts(pace.drive_s)
    with faults.database_goes_back(stack):
        stack.lasts(pace.drive_s)
        with faults.store_goes_back(stack):
            stack.lasts(pace.away_s)
    stack.healed()


def postgres_stopped_beside_timing(stack: Stack, pace: Pace) -> None:
    """Postgres stops without a checkpoint while laps are committed."""
    laps(stack)
    for _ in range(pace.kills):
        stack.lasts(pace.drive_s)
        with faults.postgres_stopped(stack):
            stack.lasts(pace.drive_s)
    stack.healed()


def timing_updated(stack: Stack, pace: Pace) -> None:
    """The folds in Postgres are of another version, and their laps are wrong."""
    _changed_while_away(
        stack,
        pace,
        "update fold set version = 0",
        "update lap set lap_time_s = 1, revision = revision + 1",
    )


def snapshot_rotten(stack: Stack, pace: Pace) -> None:
    """The snapshots in Postgres do not decode."""
    _changed_while_away(stack, pace, "update fold set state = '\\x93ff00'")


def snapshot_flipped(stack: Stack, pace: Pace) -> None:
    """A bit of each snapshot in Postgres has flipped: it decodes, to other laps."""
    laps(stack)
    until(lambda: stack.database.rows("select from lap"), "there is a lap")
    stack.lasts(pace.drive_s)
    with faults.killed(stack.timing):
        stack.lasts(1)
        for session, driver, state in stack.database.rows(
            "select session, driver, state from fold where consumer = 'timing'"
        ):
            flipped = _flipped((session, driver), state)
            where = f"consumer = 'timing' and session = '{session}' and driver = '{driver}'"
            stack.database.execute(f"update fold set state = '\\x{flipped.hex()}' where {where}")
    stack.healed()


def _flipped(owner: Owner, state: bytes) -> bytes:
    """Return a stored snapshot with one other bit, of which other facts derive."""
    fold, snapshot = Timing(), without_crc(state)
    right = list(fold.facts(fold.restore(owner, snapshot, ())))
    for place in range(len(snapshot)):
        flipped = snapshot[:place] + bytes((snapshot[place] ^ 1,)) + snapshot[place + 1 :]
        with suppress(ValueError):
            found = list(fold.facts(fold.restore(owner, flipped, ())))
            if len(found) == len(right) and found != right:
                return state.replace(snapshot, flipped)
    raise AssertionError("every flipped bit is noticed by the decoder")


def facts_deleted(stack: Stack, pace: Pace) -> None:
    """The tables of facts and folds lose all rows, as in a partial restore."""
    tables = ("lap", "session", "fold")
    _changed_while_away(stack, pace, *(f"delete from {table}" for table in tables))


def _changed_while_away(stack: Stack, pace: Pace, *statements: str) -> None:
    laps(stack)
    until(lambda: stack.database.rows("select from lap"), "there is a lap")
    stack.lasts(pace.drive_s)
    with faults.killed(stack.timing):
        stack.lasts(1)
        for statement in statements:
            stack.database.execute(statement)
    stack.healed()


def chunks_lost_that_timing_knew(stack: Stack, pace: Pace) -> None:
    """Timing folded chunks whose stream and spool are lost before Postgres had them."""
    car = laps(stack)
    stack.lasts(pace.drive_s)
    with ExitStack() as away:
        away.enter_context(faults.killed(stack.persister))
        stack.lasts(pace.away_s)
        car.kill()
        car.forget(stack.database.run(oracle.identities))
        away.enter_context(faults.store_wiped(stack))
        stack.lasts(1)
    car.start()
    stack.healed()


def chunks_lost_and_nobody_drives(stack: Stack, pace: Pace) -> None:
    """Timing folded chunks that are lost for good, and no message follows them."""
    car = laps(stack)
    stack.lasts(pace.drive_s)
    with faults.killed(stack.persister):
        stack.lasts(pace.away_s)
        car.kill()
        car.forget(stack.database.run(oracle.identities))
        with faults.store_wiped(stack):
            stack.lasts(1)
    stack.healed()


def facts_stream_refuses(stack: Stack, pace: Pace) -> None:
    """The stream of facts is full and takes none, until the end of the case."""
    laps(stack)
    stack.lasts(pace.drive_s)
    stack.background.run(_fill_facts(stack))
    stack.lasts(pace.away_s)
    stack.healed()


def facts_locked(stack: Stack, pace: Pace) -> None:
    """A maintenance job locks the table of laps: commits of timing wait, without an error."""
    laps(stack)
    stack.lasts(pace.drive_s)
    lock = stack.background.run(peers.locked(stack.url, "lap"))
    waits_s = partial(stack.timing.measure, "pitbox_consumer_unstored_seconds")
    until(lambda: waits_s() > NOTICED_S, "timing notices that facts are not stored")
    stack.background.run(lock.close())
    stack.healed()


async def _fill_facts(stack: Stack) -> None:
    """Make the stream of facts a full one that refuses new messages."""
    credentials = str(FOLDERS[stack.nats.url] / "users")
    server = Nats(url=stack.nats.url, credentials=credentials)
    bus = await Bus.connect(server, "", stack.topology)
    try:
        name = stack.topology.stream_of["timing.lap"]
        config = (await bus.jetstream.stream_info(name)).config
        await bus.jetstream.update_stream(replace(config, max_msgs=1, discard=DiscardPolicy.NEW))
    finally:
        await bus.close()


def two_timings(stack: Stack, pace: Pace) -> None:
    """Two processes of timing derive the same laps."""
    laps(stack)
    folder = stack.fresh_folder("second")
    folder.mkdir()
    second = Service("timing", folder, stack.environment)
    second.start()
    try:
        stack.lasts(pace.away_s)
    finally:
        second.end()
    stack.healed()


def rebuilt(stack: Stack, pace: Pace) -> None:
    """A session is derived anew by command while it is driven."""
    laps(stack)
    stack.lasts(pace.drive_s)
    until(lambda: stack.database.rows("select from lap"), "there is a lap")
    stack.pitbox("rebuild", SESSION)
    stack.healed()


def laps(stack: Stack) -> Driver:
    car = stack.driver()
    car.drives(speed=LAP_SPEED)
    car.start()
    return car


CASES = (
    *(timing_killed, timing_paused, timing_away_while_the_store_is_wiped),
    *(database_goes_back_while_timing_is_away, database_and_store_go_back),
    *(postgres_stopped_beside_timing, timing_updated, snapshot_rotten, facts_deleted),
    *(chunks_lost_that_timing_knew, two_timings, rebuilt),
    *(snapshot_flipped, chunks_lost_and_nobody_drives),
    *(facts_locked, corners_and_coach_killed, corners_away_while_postgres_goes_back),
)
REFUSED = (facts_stream_refuses,)
"""Cases that end with facts in Postgres that no stream takes."""
