from commands.left_out import NO_HEADER, sentence
from schemas.sim import LeftOut


def test_what_was_left_out_is_counted_and_named_in_one_sentence() -> None:
    left_out = [
        LeftOut(at_ns=1, reason="unknown", count=1312),
        LeftOut(at_ns=1, reason="other_game", count=1, about="F1 25, \x1bcar 5"),
        LeftOut(at_ns=1, reason="header", count=1),
    ]
    assert sentence(left_out) == (
        "left out: 1,312 datagrams of an unknown kind, 1 datagram of another game "
        f"(F1 25, \ufffdcar 5); {NO_HEADER}"
    )


def test_nothing_left_out_is_no_sentence() -> None:
    assert sentence([]) == ""
