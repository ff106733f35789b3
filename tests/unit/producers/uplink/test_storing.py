"""The app notices a hub that takes chunks and stores none, and no other silence."""

from producers.uplink.storing import Storing
from schemas.link import Receipt

LIMIT_S = 8.0


def receipt(through: int, **changes: object) -> Receipt:
    fields = {
        **{"session": "spa", "driver": "ada", "run": 1, "through": through, "upto": through},
        **{"missing": (), "echo": through, "made": -1, "boot": "b", "hub_ns": through},
    }
    return Receipt(**{**fields, **changes})  # type: ignore[arg-type]


def looked(
    storing: Storing,
    *,
    until_s: float,
    from_s: float = 0.0,
    linked: bool = True,
    waiting: int = 5,
) -> bool:
    """Look every second; return whether the hub stores at the end."""
    return [
        storing.look(linked=linked, waiting=waiting, now_s=float(second))
        for second in range(int(from_s), int(until_s) + 1)
    ][-1]


def test_a_hub_without_progress_stores_nothing_from_the_limit_on() -> None:
    storing = Storing(unstored_s=LIMIT_S)
    assert looked(storing, until_s=LIMIT_S - 1)
    assert not storing.look(linked=True, waiting=5, now_s=LIMIT_S)
    assert storing.lasts_s == LIMIT_S


def test_a_receipt_that_moves_is_progress_and_a_repeated_one_is_not() -> None:
    storing = Storing(unstored_s=LIMIT_S)
    storing.on_receipt(receipt(3))
    assert not looked(storing, until_s=LIMIT_S)
    storing.on_receipt(receipt(3, boot="another", hub_ns=99))
    assert not storing.look(linked=True, waiting=5, now_s=LIMIT_S + 1)
    storing.on_receipt(receipt(4))
    assert storing.look(linked=True, waiting=5, now_s=LIMIT_S + 2)
    assert storing.lasts_s == 0.0


def test_a_hub_that_owes_nothing_stores() -> None:
    storing = Storing(unstored_s=LIMIT_S)
    assert looked(storing, until_s=10 * LIMIT_S, waiting=0)
    assert storing.look(linked=True, waiting=1, now_s=10 * LIMIT_S + 1)


def test_a_lost_link_neither_accuses_nor_acquits_the_hub() -> None:
    storing = Storing(unstored_s=LIMIT_S)
    began_s = 10 * LIMIT_S
    assert looked(storing, until_s=began_s, linked=False)
    assert not looked(storing, from_s=began_s, until_s=began_s + LIMIT_S)
    assert not storing.look(linked=False, waiting=0, now_s=began_s + LIMIT_S + 1)
    assert not storing.look(linked=True, waiting=5, now_s=began_s + LIMIT_S + 2)
    assert storing.look(linked=True, waiting=0, now_s=began_s + LIMIT_S + 3)
