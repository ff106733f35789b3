"""The metadata of a message in its acknowledgement subject."""

from unittest.mock import sentinel

import pytest
from nats.aio.msg import Msg

from pitbox.nats.delivery import delivery_of


@pytest.mark.parametrize(
    "reply",
    [
        "$JS.ACK.TELEMETRY.persister.2.41.7.1795570842639867870.3",
        "$JS.ACK.hub.a1b2c3.TELEMETRY.persister.2.41.7.1795570842639867870.3.r4nd0m",
    ],
    ids=["plain", "of a domain"],
)
def test_stream_tries_sequence_and_time_are_read_from_the_reply(reply: str) -> None:
    message = Msg(_client=sentinel.nobody, subject="a.b", reply=reply, data=b"payload")
    found = delivery_of(message, created_ns=5, life=1)
    assert (found.stream, found.tries, found.sequence) == ("TELEMETRY", 2, 41)
    assert found.stored_ns == 1_795_570_842_639_867_870
    assert (found.subject, found.payload, found.reply) == ("a.b", b"payload", reply)
