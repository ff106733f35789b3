"""The timing fold as a service."""

from collections.abc import Sequence

from consumers.timing import decide
from pitbox.service.fold import Fold
from pitbox.service.lifetime import Service
from pitbox.settings import Settings
from schemas.timing import Lap, Session


class Timing:
    """Offer the pure fold to the runtime; each decision is the fact to publish."""

    name = "timing"
    version = 1
    key = staticmethod(decide.key)
    initial = staticmethod(decide.initial)
    decide = staticmethod(decide.decide)

    async def perform(self, decision: Session | Lap) -> Sequence[Session | Lap]:
        """Return the fact to publish."""
        return (decision,)


def service(settings: Settings) -> Service:
    """Return the timing service; raises TopologyError when streams.yaml lacks it."""
    return Fold(Timing(), settings)
