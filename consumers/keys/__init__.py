"""Sign the identities of drivers, and tell nats-server of them: the one writer of its claims."""
