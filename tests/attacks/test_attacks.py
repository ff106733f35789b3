"""Nothing that a driver can try has an effect, and what sees that would see one."""

from tests.attacks.__main__ import effects
from tests.attacks.attempts import attempts
from tests.servers import NatsServer

AT_LEAST = 100
SEEN = 100
"""Of what is tried by somebody within the hub, so much is known to work."""


async def test_no_attack_of_a_driver_has_an_effect_and_those_from_within_do(
    nats_server: NatsServer,
) -> None:
    chosen = list(attempts())
    assert len(chosen) >= AT_LEAST
    tried = await effects(nats_server, chosen, control=False)
    effective = {a.name: e for a, e in zip(chosen, tried, strict=True) if e}
    assert effective == {}
    control = await effects(nats_server, chosen, control=True)
    assert sum(map(bool, control)) >= SEEN
    groups = {a.group for a, e in zip(chosen, control, strict=True) if e}
    assert groups >= {a.group for a in chosen} - {"system", "volume"}
