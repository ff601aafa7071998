"""Take a document out of the one code fence it came in."""

import re
from collections.abc import Iterator

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n`]*$", re.MULTILINE)


def readings(text: str) -> Iterator[str]:
    """What the document may be: the text itself, then what stands in its only fence, with or without prose around."""
    plain = text.strip()
    yield plain
    inner = only_fence(plain)
    if inner is not None:
        yield inner.strip()


def only_fence(text: str) -> str | None:
    """What stands between the first and the last fence line, where there are exactly two of the same kind."""
    fences = list(FENCE.finditer(text))
    if len(fences) != 2 or fences[0][1][0] != fences[1][1][0] or fences[1][0].strip() != fences[1][1]:
        return None
    return text[fences[0].end() : fences[1].start()]
