"""The uplink: the connection of this PC to the hub.

Reads: the spool, receipts, hellos of other apps of the same driver, answers of `keys`.
Writes: chunks and marks (`uploader`), hellos and asks (`link`), the PC's credentials (`enrolment`,
`renewal`).
Guarantees: live chunks go first; backlog is paced below the rate that the hub shuts out; only the
app with the highest run sends live.
Does not guarantee: delivery by a publish or its PubAck. Only a receipt settles a chunk.
"""
