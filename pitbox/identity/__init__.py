"""Who may connect to nats-server, and to do what: keys, signed claims, credentials."""
