"""The spool: the chunks of this PC on its disk, and the account of what Postgres has of them.

Reads: new chunks and receipts.
Writes: one SQLite file.
Guarantees: a chunk is on the disk before `Depot.keep` returns, unless the disk is slow or refuses;
chunks that Postgres has are deleted first.
Does not guarantee: room without end. Beyond `spool_max_bytes` the oldest chunks are dropped, also
those that Postgres lacks; this is logged and counted.
"""
