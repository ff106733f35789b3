"""What may be said of an error of Postgres where people read it."""


def reason(error: BaseException) -> str:
    """Return an error's kind and first line: what follows quotes rows, and who is in them."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]
