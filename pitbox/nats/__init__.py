"""The connection to nats-server: the bus, its client, and pulling from streams."""
