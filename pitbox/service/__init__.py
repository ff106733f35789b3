"""The lifecycle of a service, and the loops that services run in."""
