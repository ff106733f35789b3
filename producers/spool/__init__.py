"""The spool: the chunks of this PC on its disk, and the account of what Postgres has of them.

Reads: new chunks and receipts.
Writes: one SQLite file, and a small file per run with its number of chunks.
Guarantees: a chunk is on the disk before `Depot.keep` returns, unless the disk is slow or refuses;
chunks that Postgres has are deleted first. A chunk is sent as it was made, or declared gone:
nothing read is believed without its crc. No error of the disk ends the app.
Does not guarantee: room without end. Beyond `spool_max_bytes` the oldest chunks are dropped, also
those that Postgres lacks; this is logged and counted.
"""
