"""A dead letter holds the whole message, and no driver can fill their stream."""

from prometheus_client import REGISTRY

from pitbox.nats.delivery import Delivery
from pitbox.service import dead
from schemas.dead import DeadLetter


def delivery(subject: str = "telemetry.ada.test.live", *, at_s: float = 0) -> Delivery:
    return Delivery(
        stream=subject.split(".", maxsplit=1)[0].upper(),
        created_ns=1,
        sequence=7,
        subject=subject,
        payload=b"undecodable",
        tries=2,
        stored_ns=int(at_s * 1e9),
        reply="",
    )


def kept(ration: dead.Ration, number: int, subject: str, *, at_s: float = 0) -> int:
    return sum(ration.spend(delivery(subject, at_s=at_s)) for _ in range(number))


def test_a_letter_holds_the_message_and_a_bounded_reason() -> None:
    letter = dead.letter_of("timing", delivery(at_s=3), "Poison: " + "x" * 9000)
    assert letter == DeadLetter(
        consumer="timing",
        stream="TELEMETRY",
        created_ns=1,
        sequence=7,
        subject="telemetry.ada.test.live",
        reason=("Poison: " + "x" * 9000)[: dead.MAX_REASON],
        payload=b"undecodable",
        tries=2,
        at_ns=3_000_000_000,
    )


def test_each_sender_has_one_ration_over_all_sessions_refilled_evenly() -> None:
    ration = dead.Ration({"TELEMETRY"}, count=10, span_s=100)
    assert kept(ration, 15, "telemetry.ada.test.live") == 10
    assert kept(ration, 15, "telemetry.ada.other.backfill") == 0
    assert kept(ration, 15, "telemetry.bea.test.live") == 10
    assert kept(ration, 15, "telemetry.ada.test.live", at_s=50) == 5


def test_services_of_the_hub_have_no_ration() -> None:
    ration = dead.Ration({"TELEMETRY"}, count=1)
    assert kept(ration, 500, "timing.ada.test.lap") == 500


def test_letters_are_counted_by_consumer_and_kind() -> None:
    labels = {"consumer": "coach", "reason": "Poison"}
    dead.count(dead.letter_of("coach", delivery(), "Poison: a"))
    dead.count(dead.letter_of("coach", delivery(), "Poison: b"))
    dead.count_not_kept("coach", 3)
    assert REGISTRY.get_sample_value("pitbox_dead_letters_total", labels) == 2
    not_kept = REGISTRY.get_sample_value(
        "pitbox_dead_letters_not_kept_total", {"consumer": "coach"}
    )
    assert not_kept == 3
