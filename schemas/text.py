"""Text that follows a pattern, and the description of the pattern in words for people."""

from typing import Final

from msgspec import Meta

ALLOWED: Final = "allowed"
"""The key in `Meta.extra` of the words."""


def text(pattern: str, allowed: str, description: str | None = None) -> Meta:
    """Return the constraint of a text; `allowed` completes the sentence "it takes ..."."""
    # `$` alone would let a newline through at the end.
    return Meta(pattern=rf"^{pattern}$(?!\n)", description=description, extra={ALLOWED: allowed})
