"""Notice a hub that takes telemetry and stores none: no receipt moves though there is a link.

The cause is not known here: nats-server's disk, the persister or Postgres. Whatever it is, the
spool keeps the chunks and sends them again. Pure.
"""

from typing import Final

from msgspec.structs import replace

from producers.spool.ledger import RunKey, key_of
from schemas.link import Receipt

UNSTORED_S: Final = 8.0
MAX_RUNS: Final = 1024
NOT_STORED: Final = "the hub takes telemetry and stores none; the spool keeps it and sends it again"


class Storing:
    """Hold whether the hub stores what it takes.

    `stores` is whether it does, `lasts_s` for how long it does not, 0 while it does.
    """

    def __init__(self, *, unstored_s: float = UNSTORED_S) -> None:
        """Prepare; a hub without progress for `unstored_s`, while it owes some, stores nothing."""
        self.lasts_s = 0.0
        self._limit_s = unstored_s
        self._receipts: dict[RunKey, Receipt] = {}
        self._moved = False
        self.stores = True
        self._owes_since_s: float | None = None

    def on_receipt(self, receipt: Receipt) -> None:
        """Note a receipt; one that states the same as before is no progress."""
        stated = replace(receipt, boot="", hub_ns=0)
        key = key_of(receipt)
        if self._receipts.get(key) != stated:
            if len(self._receipts) >= MAX_RUNS:
                self._receipts.clear()
            self._receipts[key] = stated
            self._moved = True

    def look(self, *, linked: bool, waiting: int, now_s: float) -> bool:
        """Return whether the hub stores; without a link that is as it was before.

        `waiting` chunks are made and not in Postgres by the last receipt.
        """
        moved, self._moved = self._moved, False
        if moved or (linked and not waiting):
            self.stores = True
        if moved or not linked or not waiting or self._owes_since_s is None:
            self._owes_since_s = now_s
        lasts_s = now_s - self._owes_since_s
        if lasts_s >= self._limit_s:
            self.stores = False
        self.lasts_s = 0.0 if self.stores else lasts_s
        return self.stores
