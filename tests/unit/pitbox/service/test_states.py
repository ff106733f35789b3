"""What a fold forgets when it knows too much."""

from pitbox.service.states import States


def test_who_has_the_most_states_loses_the_oldest_and_others_none() -> None:
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
