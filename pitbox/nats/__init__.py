"""Connect to nats-server: publish, subscribe, request, and pull from streams.

Reads and writes: the routes that streams.yaml declares for the service, and nothing else.
Guarantees: a connection is retried without limit; streams and durables that are gone are recreated;
a pulled message is delivered in stream order and never skipped, even when a stream is recreated or
restored; no subject, header or payload ends a subscription.
Does not guarantee: delivery of a message published without a stream. A pulled message may be
delivered again.
"""
