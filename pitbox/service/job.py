"""The work that one message causes: pure."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from pitbox.nats.delivery import Delivery
from pitbox.service.identity import StoredOutputs
from pitbox.service.watermark import Watermark


class Job(Struct, frozen=True):
    """Hold a message with its decisions, or with the reason why it becomes a dead letter."""

    mark: Watermark
    stored: StoredOutputs
    delivery: Delivery
    cause: str
    decisions: Sequence[Any] = ()
    reason: str = ""

    @property
    def expires(self) -> bool:
        """Return whether every decision expires."""
        return bool(self.decisions) and all(_expires_s(one) is not None for one in self.decisions)

    def is_late(self, decision: Any, now_s: float) -> bool:
        """Return whether a decision has expired (`now_s` since 1970)."""
        expires_s = _expires_s(decision)
        return expires_s is not None and now_s > self.delivery.stored_ns / 1e9 + expires_s


def _expires_s(decision: Any) -> float | None:
    expires_s: float | None = getattr(decision, "expires_after_s", None)
    return expires_s
