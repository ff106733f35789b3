"""The order of visits gives each driver a turn."""

from pitbox.service.visits import ranked


def test_each_driver_has_a_turn_before_anybody_has_a_second_one() -> None:
    many = [(f"session-{number}", "mallory") for number in range(3)]
    assert ranked([*many, ("race", "ada"), ("race", "bob")]) == [
        many[0],
        ("race", "ada"),
        ("race", "bob"),
        many[1],
        many[2],
    ]
