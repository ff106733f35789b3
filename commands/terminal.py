"""What others have said, made fit for a terminal."""


def plain(text: str) -> str:
    """Return a text in which nothing is left that a terminal would obey instead of showing it."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
