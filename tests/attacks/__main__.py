"""`make attacks`: all that a driver could try, and the same by somebody whom the hub let in."""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.attacks.attempts import Attempt, attempts
from tests.attacks.scene import scene
from tests.servers import NatsServer, running


async def effects(server: NatsServer, chosen: Sequence[Attempt], *, control: bool) -> list[str]:
    """Make attempts one after the other; return the effect of each, or nothing."""
    found = []
    async with scene(server, control=control) as made:
        for attempt in chosen:
            await made.begin()
            effect = await attempt.act(made)
            found.append(effect)
            if effect:
                await made.restore()
    return found


def main() -> int:
    """Attack a server of its own, tell of each attempt, and return 1 when one had an effect."""
    chosen = list(attempts())
    with tempfile.TemporaryDirectory(prefix="pitbox-attacks-") as folder:
        server = NatsServer(Path(folder))
        with running(server):
            tried = asyncio.run(effects(server, chosen, control=False))
            control = asyncio.run(effects(server, chosen, control=True))
    for attempt, effect, known in zip(chosen, tried, control, strict=True):
        said = f"EFFECTIVE: {effect}" if effect else "no effect"
        print(f"{attempt.group:<17} {attempt.name:<52} {said:<12} control: {known or 'no effect'}")
    effective, seen = sum(map(bool, tried)), sum(map(bool, control))
    print(f"attacks: {len(tried)} attempts, {effective} effective; control: {seen} effective")
    return int(effective > 0)


if __name__ == "__main__":
    sys.exit(main())
