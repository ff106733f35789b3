"""A fold's decoder checks an event against the subject that it came on."""

import msgspec
import pytest
from msgspec.structs import replace

from pitbox import topology
from pitbox.nats.delivery import Delivery
from pitbox.service.fold import decoder
from schemas.timing import Lap

TOPOLOGY = topology.load()
READER = replace(TOPOLOGY.consumers["persister"], reads=("timing.session", "timing.lap"))
FACTS = replace(TOPOLOGY, consumers={"echo": READER})
LAP = Lap(session="test", driver="ada", at_ns=0, car="1", own=True, lap_number=1, revision=1)


def delivery(subject: str) -> Delivery:
    return Delivery(
        stream="TIMING",
        created_ns=1,
        sequence=1,
        subject=subject,
        payload=msgspec.msgpack.encode(LAP),
        tries=1,
        stored_ns=1,
        reply="",
    )


def test_an_event_is_decoded_on_the_subject_of_its_own_fields_and_kind_only() -> None:
    decode = decoder(FACTS, "echo")
    assert decode(delivery("timing.ada.test.lap")) == LAP
    for subject in ("timing.eve.test.lap", "timing.ada.test.session"):
        with pytest.raises(ValueError, match="ForeignSubject"):
            decode(delivery(subject))
