from pitbox.service.aside import Aside


def test_an_owner_is_left_alone_for_the_pause_and_no_longer() -> None:
    now_s = 100.0
    aside = Aside(pause_s=60.0, clock_s=lambda: now_s)
    aside.put(("spa", "eve"))
    assert aside.has(("spa", "eve")) and not aside.has(("spa", "ada"))
    now_s = 159.9
    assert aside.has(("spa", "eve"))
    now_s = 160.0
    assert not aside.has(("spa", "eve"))
