"""Tracks have names that are the same in every session."""

from consumers.corners.tracks import name_of

OWNER = "race-1", "ada"


def test_a_track_is_named_as_the_sim_does_whatever_its_letters() -> None:
    assert name_of(OWNER, "Spa-Francorchamps (GP)") == "spa-francorchamps-gp"
    assert name_of(OWNER, "pebble_lane") == name_of(("race-2", "bob"), "Pebble Lane")


def test_a_track_without_a_name_is_that_of_the_session_alone() -> None:
    unnamed = name_of(OWNER, "")
    assert unnamed == name_of(OWNER, "—")
    assert unnamed not in (name_of(("race-2", "ada"), ""), name_of(("race-1", "bob"), ""))
    assert "ada" not in unnamed
