"""A fold for tests: it folds telemetry as timing does, and publishes each fact as its output.

It is a service that streams.yaml does not declare; `streams` writes a file that does.
"""

import functools
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from consumers.timing import decide, state
from pitbox import settings
from pitbox.service import lifetime
from pitbox.service.fold import Fold
from schemas.timing import Lap, Session
from tests.tools.hub import streams_with

NAME = "echo"


class Echo:
    """Publish the facts that timing would."""

    name = NAME
    version = 1
    key = staticmethod(decide.key)
    initial = staticmethod(state.initial)
    decide = staticmethod(decide.decide)

    async def perform(self, decision: Session | Lap) -> Sequence[Session | Lap]:
        return (decision,)


@functools.cache
def streams() -> str:
    """Return the path of a streams.yaml that declares the fold as well."""
    return declared(Path(tempfile.mkdtemp(prefix="pitbox-echo-")))


def declared(folder: Path, **changes: object) -> str:
    """Write a streams.yaml that declares the fold, with changes, and return its path."""
    return streams_with(
        folder,
        NAME,
        about="a fold of the tests",
        kind="fold",
        reads=["telemetry.live", "telemetry.backfill"],
        writes=["timing.session", "timing.lap", "dead.letter", "fold.progress"],
        **{"batch": 1000, **changes},
    )


if __name__ == "__main__":
    loaded = settings.load()
    sys.exit(lifetime.run(Fold(Echo(), loaded), loaded))
