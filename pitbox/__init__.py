"""The runtime: settings, topology, bus, service loop, metrics, logs and the command line."""

__version__ = "0.1.0"
