"""Reads every stream and writes it to Postgres; says back what Postgres has, in receipts.

A producer's disk may only forget what a receipt names, so this is where nothing gets lost.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pitbox.service import Service
    from pitbox.settings import Settings


def service(settings: "Settings") -> "Service":
    """Return the persister; raises TopologyError when streams.yaml is wrong."""
    from consumers.persister.service import Persister

    return Persister(settings)
