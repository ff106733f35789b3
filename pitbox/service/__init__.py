"""Run services: one lifecycle, and the loops of folds, responders and live services.

Reads: the streams and routes that streams.yaml declares for a service.
Writes: a fold's outputs, dead letters and progress; a responder's replies.
Guarantees: a fold stores each output of a message once, over restarts, kills and redelivery, in
order per key. A message that cannot be decided or performed becomes a dead letter. A service stops
within five seconds of SIGINT or SIGTERM.
Does not guarantee: the order of messages of different streams. Dead letters above a sender's ration
are dropped and counted, and so are decisions that expire.
"""
