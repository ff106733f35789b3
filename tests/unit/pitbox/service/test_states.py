"""The states of a fold are bounded per owner."""

from pitbox.service.states import States


def test_the_owner_of_the_most_states_loses_its_oldest_one() -> None:
    states = States[int](max_states=4)
    for owner, key in (("ada", "spa"), ("eve", "a"), ("eve", "b"), ("eve", "c")):
        states.put(owner, key, 1)
    states.put("eve", "a", 2)
    states.put("eve", "d", 3)
    states.put("bea", "spa", 4)
    found = [states.get("eve", key) for key in "abcd"]
    assert found == [2, None, None, 3]
    assert (states.get("ada", "spa"), states.get("bea", "spa")) == (1, 4)
    states.put("ada", "spa", 5)
    assert (states.get("ada", "spa"), states.get("ada", "monza")) == (5, None)
