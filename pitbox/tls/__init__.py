"""Set up TLS for listeners and connections.

Reads certificates, keys and authorities from the files that the settings name. Guarantees that
nothing listens beyond loopback in clear, and that certificates of servers are verified; no setting
switches this off. A renewed certificate is used from the next handshake on.
"""
