"""The accounts of all runs in a spool. Pure."""

from collections.abc import Mapping

from pitbox.chunks.ranges import NONE
from producers.spool.ledger import Ledger, RunKey
from producers.spool.retention import KeptRun, ledger_of
from schemas.link import Receipt


class Accounts(dict[RunKey, Ledger]):
    """Hold the account of each run, the newest last; send numbers begin above `send`."""

    def __init__(self, *, send: int) -> None:
        super().__init__()
        self.deleted_through = -1
        self._send = send

    @property
    def newest_run(self) -> int:
        """Return the highest run in the spool, 0 for none."""
        return max((key.run for key in self), default=0)

    @property
    def waiting(self) -> int:
        """Return how many chunks Postgres is not known to have and can still get."""
        return sum(account.waiting for account in self.values())

    @property
    def complete(self) -> bool:
        """Return whether every run is closed, and receipts confirm that Postgres has all of it."""
        return all(account.complete for account in self.values())

    def of(self, key: RunKey) -> Ledger:
        """Return the account of a run; open one for a new run."""
        found = self.get(key)
        if found is None:
            found = self[key] = Ledger(key, send=self._send)
        return found

    def follow(self, runs: Mapping[RunKey, KeptRun]) -> None:
        """Bring the accounts up to date with a spool that was opened: all else kept is lost.

        Runs that are new here are of an earlier start of the app.
        """
        for key, account in self.items():
            account.keep_only(runs[key].kept if key in runs else NONE)
        for key, run in runs.items():
            if key not in self:
                self[key] = ledger_of(run, self._send)

    def delete(self, receipt: Receipt) -> bool:
        """Delete the runs of a session that was deleted at the hub; return whether any was here."""
        owner = receipt.session, receipt.driver
        deleted = [
            account
            for key, account in self.items()
            if (key.session, key.driver) == owner and key.run <= receipt.deleted
        ]
        fresh = not all(account.deleted for account in deleted)
        for account in deleted:
            account.delete()
        self.deleted_through = max(self.deleted_through, receipt.deleted)
        return fresh
