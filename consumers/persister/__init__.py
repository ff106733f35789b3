"""Reads every stream and writes it to Postgres; says back what Postgres has, in receipts.

A producer's disk may only forget what a receipt names, so this is where nothing gets lost.
"""

from typing import Final

CONSUMER: Final = "persister"
