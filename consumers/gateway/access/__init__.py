"""Who may use which endpoint, and which open sockets may stay."""
