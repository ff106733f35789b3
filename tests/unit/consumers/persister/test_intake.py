"""Test that every message of TELEMETRY becomes a row, a mark or a dead letter."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.persister.decide import RunKey
from consumers.persister.intake import Batch, Intake
from pitbox.nats.delivery import Delivery
from schemas.telemetry import Chunk
from tests.tools.dear import framed
from tests.tools.hub import chunk, mark

KEY = RunKey("test", "ada", 1)
SUBJECT = "telemetry.ada.test.live"


def subjects(driver: str, session: str) -> frozenset[str]:
    return frozenset({f"telemetry.{driver}.{session}.{way}" for way in ("live", "backfill")})


def delivery(payload: bytes, subject: str = SUBJECT, sequence: int = 1) -> Delivery:
    return Delivery(
        stream="TELEMETRY",
        created_ns=1,
        sequence=sequence,
        subject=subject,
        payload=payload,
        tries=1,
        stored_ns=2,
        reply="",
    )


def taken(*events: object, intake: Intake | None = None, subject: str = SUBJECT) -> Batch:
    intake = intake or Intake(subjects, {"TELEMETRY"})
    batch = Batch()
    for event in events:
        payload = event if isinstance(event, bytes) else msgspec.msgpack.encode(event)
        intake.take(delivery(payload, subject), batch)
    return batch


def kinds(batch: Batch) -> list[str]:
    return [letter.reason.split(":")[0] for letter in batch.letters]


def test_chunks_and_marks_are_gathered_by_run_with_the_highest_send_number() -> None:
    batch = taken(chunk(0, send=5), chunk(0, run=2, send=9), mark(7, send=6), chunk(1, send=3))
    first = batch.runs[KEY]
    assert (first.numbers, len(first.rows), first.echo) == ([0, 1], 2, 6)
    assert [each.made for each in first.marks] == [7]
    assert batch.runs[RunKey("test", "ada", 2)].echo == 9
    assert (batch.frames, len(batch.deliveries), batch.letters) == (9, 4, [])


def test_two_batches_share_nothing() -> None:
    assert taken(chunk(0)).runs[KEY].numbers == [0]
    assert taken(chunk(1)).runs[KEY].numbers == [1]
    assert Batch().runs == {}


def test_a_letter_keeps_the_message_whole() -> None:
    letter = taken(b"rubbish").letters[0]
    assert (letter.payload, letter.subject, letter.sequence) == (b"rubbish", SUBJECT, 1)
    assert (letter.consumer, letter.stream, letter.created_ns) == ("persister", "TELEMETRY", 1)


def test_a_corrupt_chunk_is_given_up_at_its_third_delivery() -> None:
    intake = Intake(subjects, {"TELEMETRY"})
    batches = [taken(chunk(4, crc=1), intake=intake) for _ in range(3)]
    assert [kinds(batch) for batch in batches] == [["CorruptChunk"]] * 3
    assert [batch.runs[KEY].dead for batch in batches] == [[], [], [4]]


def test_a_refused_chunk_is_given_up_at_once_and_its_letter_names_the_reason() -> None:
    batch = taken(framed(4, {}, frames=600, driver="ada"))
    assert [letter.reason for letter in batch.letters] == [
        "RefusedChunk: 600 frames, at most 512 are accepted"
    ]
    assert (batch.runs[KEY].dead, batch.runs[KEY].rows) == ([4], [])


def test_refused_chunks_without_a_letter_are_given_up_and_counted() -> None:
    refused = [framed(number, {}, frames=600, driver="ada") for number in range(130)]
    batch = taken(*refused)
    assert (len(batch.letters), batch.not_kept) == (100, 30)
    assert batch.runs[KEY].dead == list(range(130))


def test_a_newer_version_is_dead_at_once_however_it_is_shaped() -> None:
    reshaped = [1, 9, "ada", "test", 1, 8, 70, "all else differs"]
    batch = taken(chunk(3, version=9), reshaped)
    assert kinds(batch) == ["NewerVersion", "NewerVersion"]
    assert (batch.runs[KEY].dead, batch.runs[KEY].echo) == ([3, 8], 70)


def test_a_chunk_of_this_version_that_does_not_decode_belongs_to_no_run() -> None:
    batch = taken([1, 1, "ada", "test", 1, 8, 70, "not a frame number"])
    assert kinds(batch) == ["ValidationError"]
    assert batch.runs == {}


def test_a_message_on_another_drivers_subject_is_a_dead_letter() -> None:
    elsewhere = "telemetry.eve.test.live"
    reshaped = [1, 9, "ada", "test", 1, 8, 70]
    batch = taken(chunk(0), mark(1), reshaped, subject=elsewhere)
    assert kinds(batch) == ["WrongSubject"] * 3
    assert batch.runs == {}


@pytest.mark.parametrize("name", ["*", ">", "a.b", "a\n", "-a", "", "a" * 65, "\x1b[2J", "é"])
def test_a_chunk_of_a_bad_name_is_a_dead_letter_also_on_the_subject_of_that_name(name: str) -> None:
    for event in (chunk(0, driver=name), chunk(0, session=name), mark(1, driver=name)):
        batch = taken(event, subject=f"telemetry.{event.driver}.{event.session}.live")
        assert (kinds(batch), batch.runs) == (["ValidationError"], {})


@given(st.integers(0, 12), st.integers(-(2**65), 2**65) | st.binary(max_size=130) | st.none())
def test_a_chunk_is_decoded_as_its_schema_says(field: int, value: int | bytes | None) -> None:
    """The type that decodes chunks is not the schema's own, because that matches their names."""
    fields = [*msgspec.structs.astuple(chunk(0))]
    fields[field] = value
    try:
        payload = msgspec.msgpack.encode([1, *fields])
    except OverflowError:
        return
    try:
        msgspec.msgpack.decode(payload, type=Chunk)
        decodes = True
    except msgspec.ValidationError:
        decodes = False
    assert ("ValidationError" not in kinds(taken(payload))) == decodes


@given(st.binary(max_size=300))
def test_undecodable_bytes_are_a_dead_letter(payload: bytes) -> None:
    batch = taken(payload)
    assert len(batch.letters) == 1


@given(
    st.lists(
        st.one_of(
            st.integers(-(2**63), 2**64 - 1),
            st.floats(),
            st.binary(max_size=130),
            st.text(max_size=70),
            st.none(),
        ),
        max_size=15,
    )
)
def test_any_array_is_a_row_or_a_dead_letter(values: list[Any]) -> None:
    batch = taken([1, 1, "ada", "test", *values])
    assert len(batch.letters) + len(batch.runs) >= 1


def test_deep_nesting_is_a_dead_letter() -> None:
    assert kinds(taken(b"\x91" * 100_000)) in (["ValidationError"], ["RecursionError"])


def test_dead_letters_are_rationed_for_each_sender() -> None:
    intake = Intake(subjects, {"TELEMETRY"})
    batch = taken(*[b"rubbish"] * 5000, intake=intake)
    assert (len(batch.letters), batch.not_kept, len(batch.deliveries)) == (100, 4900, 5000)
    other = taken(b"rubbish", intake=intake, subject="telemetry.ada.other.live")
    assert (len(other.letters), other.not_kept) == (0, 1)
    neighbour = taken(b"rubbish", intake=intake, subject="telemetry.bea.test.live")
    assert (len(neighbour.letters), neighbour.not_kept) == (1, 0)


def test_a_chunk_without_a_dead_letter_is_missing_in_its_run() -> None:
    intake = Intake(subjects, {"TELEMETRY"})
    batch = taken(*(chunk(n, version=9) for n in range(3000)), intake=intake)
    assert (len(batch.letters), batch.not_kept) == (2000, 1000)
    assert batch.runs[KEY].dead == list(range(2000))
    assert batch.runs[KEY].echo == 2999
