"""TLS for every listener and every connection."""
