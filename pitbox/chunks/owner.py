"""The owner of chunks, and of the facts that are derived from them."""

Owner = tuple[str, str]
"""Session and driver."""
