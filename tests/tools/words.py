"""Find jargon that must not appear in a sentence for people."""

import re

JARGON = re.compile(
    r"Expected `|`(?:int|str|float|bool|object|array|null)`|\b(?:int|str|float|bool|NoneType)\b"
    r"|<class|regex|Literal|[\^\\]|\(\?|\[[A-Za-z0-9]-|\{\d"
)


def jargon(sentence: str) -> list[str]:
    """Return the parts of a sentence that are a regular expression or a type name."""
    return JARGON.findall(sentence)
