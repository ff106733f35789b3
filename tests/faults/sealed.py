"""Sealing during faults: each chunk is in a row or in a block, never in both and never in none.

A case ends with the usual verdict, for which blocks are unsealed and compared chunk by chunk.
"""

from contextlib import suppress
from typing import Final

import asyncpg

from tests.faults import faults, prefill
from tests.faults.pace import Pace
from tests.faults.peers import locked
from tests.faults.programs import Driver
from tests.faults.stack import SESSION, Stack
from tests.tools.servers import until

AFTER_S: Final = 2
NEVER: Final = {"PITBOX_SEALING__AFTER_S": "0"}
SOON: Final = {"PITBOX_SEALING__AFTER_S": str(AFTER_S)}
SEALED: Final = "select coalesce(sum(last_chunk - chunk + 1), 0) as chunks from telemetry_block"
IN_THE_MIDDLE: Final = """
select from pg_stat_activity
where wait_event_type = 'Lock' and query like '%insert into telemetry_block%'
    and query not like '%pg_stat_activity%'
"""
LEFT: Final = """
select from run where have - sealed - expired <> '{}'
    and updated < now() - interval '1 minute'
"""


def persister_killed_while_sealing(stack: Stack, pace: Pace) -> None:
    """The persister is killed each time that it has sealed some of a backlog."""
    _driven(stack, pace)
    for _ in range(pace.kills):
        before = _sealed(stack)
        stack.persister.start()
        until(lambda before=before: _sealed(stack) > before, "more is sealed")
        stack.persister.kill()
    stack.persister.start()
    _is_sealed(stack)
    stack.healed()


def postgres_stopped_while_sealing(stack: Stack, pace: Pace) -> None:
    """Postgres stops without a checkpoint each time that some of a backlog is sealed."""
    _driven(stack, pace)
    stack.persister.start()
    for _ in range(pace.kills):
        before = _sealed(stack)
        until(lambda before=before: _sealed(stack) > before, "more is sealed")
        with faults.postgres_stopped(stack):
            stack.lasts(1)
    _is_sealed(stack)
    stack.healed()


def killed_in_the_middle_of_sealing(stack: Stack, pace: Pace) -> None:
    """Persister and Postgres end between the removal of chunks and the storing of their block."""
    _driven(stack, pace)
    for kill in (stack.persister.kill, stack.postgres.stop_at_once):
        lock = stack.background.run(locked(stack.url, "telemetry_block"))
        stack.persister.start()
        until(
            lambda: stack.database.rows_once_up(IN_THE_MIDDLE),
            "chunks are removed and their block waits",
        )
        kill()
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            stack.background.run(lock.close())
    stack.postgres.start()
    _is_sealed(stack)
    stack.healed()


def chunks_sent_again_after_sealing(stack: Stack, pace: Pace) -> None:
    """The streams return to a state with all chunks that are sealed, and their driver goes on."""
    car = _driven(stack, pace)
    with faults.store_goes_back(stack):
        stack.persister.start()
        _is_sealed(stack)
    car.start()
    stack.lasts(pace.drive_s)
    stack.healed()


def database_goes_back_to_before_sealing(stack: Stack, pace: Pace) -> None:
    """Postgres is restored from a copy made before a drive was sealed, while its driver goes on."""
    car = _driven(stack, pace)
    with faults.database_goes_back(stack):
        stack.persister.start()
        car.start()
        _is_sealed(stack)
    _is_sealed(stack)
    stack.healed()


def deleted_while_sealing(stack: Stack, pace: Pace) -> None:
    """A session is deleted while it is sealed; then its driver goes on."""
    car = _driven(stack, pace)
    stack.persister.start()
    until(lambda: _sealed(stack), "some is sealed")
    stack.delete()
    until(stack.is_deleted, "the deletion is finished", 60)
    if _sealed(stack):
        raise AssertionError("blocks are left of a deleted session")
    car.start()
    stack.lasts(pace.drive_s)
    stack.healed()


def rebuilt_from_blocks(stack: Stack, pace: Pace) -> None:
    """A session that is sealed is derived anew while its driver goes on."""
    car = _driven(stack, pace)
    stack.persister.start()
    _is_sealed(stack)
    car.start()
    stack.lasts(pace.drive_s)
    stack.pitbox("rebuild", SESSION)
    stack.healed()


def _driven(stack: Stack, pace: Pace) -> Driver:
    """Drive a session, of which nothing is sealed; the persister is away then, and seals soon."""
    stack.persister.kill()
    stack.persister.environment |= NEVER
    stack.persister.start()
    car = prefill.driven(stack, pace.backlog_s)
    stack.persister.kill()
    stack.database.execute("update run set updated = now() - interval '1 hour'")
    stack.persister.environment |= SOON
    return car


def _sealed(stack: Stack) -> int:
    """Return how many chunks are sealed."""
    return int(stack.database.rows_once_up(SEALED)[0]["chunks"])


def _is_sealed(stack: Stack) -> None:
    """Wait until all that was driven an hour ago is sealed."""
    until(lambda: not stack.database.rows_once_up(LEFT), "all is sealed", 60)


CASES = (
    *(persister_killed_while_sealing, postgres_stopped_while_sealing),
    killed_in_the_middle_of_sealing,
    *(chunks_sent_again_after_sealing, database_goes_back_to_before_sealing),
    *(deleted_while_sealing, rebuilt_from_blocks),
)
