"""The metadata of a message in its acknowledgement subject."""

import pytest

from pitbox.nats.delivery import Ending, delivery_of, ending_of


@pytest.mark.parametrize(
    "reply",
    [
        "$JS.ACK.TELEMETRY.persister.2.41.7.1795570842639867870.3",
        "$JS.ACK.hub.a1b2c3.TELEMETRY.persister.2.41.7.1795570842639867870.3.r4nd0m",
    ],
    ids=["plain", "of a domain"],
)
def test_stream_tries_sequence_and_time_are_read_from_the_reply(reply: str) -> None:
    found = delivery_of(b"a.b", reply.encode(), b"payload", created_ns=5, life=1)
    assert (found.stream, found.tries, found.sequence) == ("TELEMETRY", 2, 41)
    assert found.stored_ns == 1_795_570_842_639_867_870
    assert (found.subject, found.payload, found.reply) == ("a.b", b"payload", reply)


def test_a_subject_that_is_no_text_is_made_legible() -> None:
    found = delivery_of(b"a.\xff", b"$JS.ACK.S.c.1.1.1.1.1", b"", created_ns=5, life=1)
    assert found.subject == "a.\\xff"


@pytest.mark.parametrize("reply", [b"x", b"$JS.ACK.S.c.1", b"$JS.ACK.S.c.one.1.1.1.1", b"\xff"])
def test_a_reply_that_acknowledges_nothing_raises(reply: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        delivery_of(b"a", reply, b"", created_ns=5, life=1)


@pytest.mark.parametrize(
    ("headers", "ending"),
    [
        (
            b"NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 90\r\nNats-Pending-Bytes: 0"
            b"\r\n\r\n",
            Ending("408", "Request Timeout", 90),
        ),
        (b"NATS/1.0 404\r\n\r\n", Ending("404", "", 0)),
        (b"NATS/1.0 409 Batch Completed\r\n\r\n", Ending("409", "Batch Completed", 0)),
        (b"NATS/1.0 408\r\nNats-Pending-Messages: many\r\n\r\n", Ending("408", "", 0)),
        (b"NATS/1.0 \xff\r\n\r\n", Ending("\\xff", "", 0)),
        (b"", Ending("", "", 0)),
    ],
)
def test_the_end_of_a_request_is_read_from_any_headers(headers: bytes, ending: Ending) -> None:
    assert ending_of(headers) == ending
