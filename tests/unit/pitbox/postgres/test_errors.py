"""Each error of asyncpg becomes one exception that quotes no row."""

import asyncpg
import pytest

from pitbox.postgres.errors import (
    ERRORS,
    Conflict,
    LoginRefused,
    NoTables,
    PostgresDown,
    Refused,
    reason,
    sentence,
    verdict,
)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (asyncpg.UniqueViolationError("a key"), Conflict),
        (asyncpg.UndefinedTableError("no table"), NoTables),
        (asyncpg.NumericValueOutOfRangeError("a number"), Refused),
        (asyncpg.StatementTooComplexError("a statement"), Refused),
        (asyncpg.DataError("an argument"), Refused),
        (asyncpg.InvalidPasswordError("a password"), LoginRefused),
        (asyncpg.InterfaceError("closed"), PostgresDown),
        (asyncpg.InternalClientError("confused"), PostgresDown),
        (ConnectionRefusedError(111, "refused"), PostgresDown),
        (TimeoutError(), PostgresDown),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_an_error_of_asyncpg_has_one_meaning(error: Exception, kind: type[Exception]) -> None:
    assert isinstance(error, ERRORS)
    assert type(verdict(error)) is kind


def test_a_conflict_a_refused_login_and_no_table_are_also_caught_as_postgres_down() -> None:
    assert all(issubclass(kind, PostgresDown) for kind in (Conflict, LoginRefused, NoTables))
    assert not issubclass(Refused, PostgresDown)


def test_only_the_first_line_of_an_error_is_shown() -> None:
    error = asyncpg.CheckViolationError("new row violates a check\nDETAIL: Failing row contains x")
    assert reason(error) == "CheckViolationError: new row violates a check"
    assert sentence(error) == "new row violates a check"
    assert sentence(TimeoutError()) == "TimeoutError()"
    assert reason(TimeoutError()) == "TimeoutError: no answer in time"
