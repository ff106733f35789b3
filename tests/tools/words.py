"""What must not be in a sentence that a person reads."""

import re

JARGON = re.compile(
    r"Expected `|`(?:int|str|float|bool|object|array|null)`|\b(?:int|str|float|bool|NoneType)\b"
    r"|<class|regex|Literal|[\^\\]|\(\?|\[[A-Za-z0-9]-|\{\d"
)


def jargon(sentence: str) -> list[str]:
    """Return the parts of a sentence that are a pattern or the name of a type."""
    return JARGON.findall(sentence)
