"""Producers: programs of a driver's PC that read a game and publish its telemetry.

Reads: datagrams and shared memory of games (`sources`), recordings (`importers`).
Writes: chunks and marks on `telemetry.live` and `telemetry.backfill`; `link.hello`, `link.ask` and
`keys.renew` over core NATS; the spool on the PC's disk.
Guarantees: a chunk accepted by the spool is sent until Postgres has it, over restarts of any part.
Does not guarantee: the order of chunks, or that each is sent only once; a chunk that the disk
refused is sent live at most once; a full spool drops its oldest chunks.
"""
