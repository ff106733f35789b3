"""Messages that travel: over NATS, over the WebSocket and over REST.

Each is a frozen msgspec Struct; the package imports msgspec and the standard library only. Old
bytes decode for ever: fields are only added, with a default. Decoding checks types and ranges, but
not whether a message is true or its sender was allowed to send it.
"""
