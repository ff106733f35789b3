"""Write telemetry and dead letters to Postgres, and publish receipts of the committed chunks.

Reads: TELEMETRY and DEAD through durables, and requests on link.ask.
Writes: chunks, runs and dead letters to Postgres; receipts to link.receipt.
Deletes: what is left of deleted sessions, in Postgres and in streams, and what retention removes.
Guarantees: a message is acknowledged after its commit, so none is lost; each chunk is stored once,
whatever the order and repetition of messages. A producer deletes a chunk from its spool only after
a receipt names it.
Does not guarantee: a dead letter for each bad message. Above a sender's ration they are counted.
"""

from typing import Final

CONSUMER: Final = "persister"
