"""Dead letters: messages that a consumer could not process."""

from typing import Any, Final

from schemas.dead import DeadLetter

EVENT: Final = DeadLetter

UPSERT: Final = """
insert into dead_letter
    (consumer, stream, created_ns, sequence, subject, reason, payload, tries, at_ns)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (consumer, stream, sequence, at_ns) do nothing
"""


def parameters(letter: DeadLetter) -> tuple[Any, ...]:
    """Return the values of a dead letter's row."""
    return (
        *(letter.consumer, letter.stream, letter.created_ns, letter.sequence, letter.subject),
        *(letter.reason, letter.payload, letter.tries, letter.at_ns),
    )
