"""No attack of a driver has an effect, and each would be noticed if it had."""

from pathlib import Path

from tests.attacks.__main__ import both
from tests.attacks.attempts import WITHOUT_CONTROL, attempts

AT_LEAST = 100


async def test_no_attack_of_a_driver_has_an_effect_and_each_has_one_in_an_ordinary_hub(
    database: str, tmp_path: Path
) -> None:
    chosen = list(attempts())
    names = [f"{attempt.group}: {attempt.name}" for attempt in chosen]
    assert len(set(names)) == len(chosen) >= AT_LEAST
    tried, control = await both(chosen, tmp_path, database)
    assert {name: effect for name, effect in zip(names, tried, strict=True) if effect} == {}
    unseen = {a.name for a, effect in zip(chosen, control, strict=True) if not effect}
    assert unseen == set(WITHOUT_CONTROL)
    seen = {a.group for a, effect in zip(chosen, control, strict=True) if effect}
    assert seen == {a.group for a in chosen}
