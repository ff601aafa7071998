"""Remove a model's spoken thoughts, `<think>…</think>`, from a text or from the pieces of a stream, in linear time.

Tags count in any case and without attributes. They nest: the text goes on after the tag that closes the first one.
A block that is never closed reaches to the end; a closing tag with nothing to close is removed alone. White space
between a leading block and the answer goes with the block. A stream gives the same text as the whole.
"""

import re

TAG = re.compile(r"(</?think>)", re.IGNORECASE)
TAGS = ("<think>", "</think>")
LONGEST_START = max(map(len, TAGS)) - 1


def strip_think(text: str) -> str:
    """The text without thoughts."""
    if "<" not in text:
        return text
    stripper = ThinkStripper()
    return stripper.feed(text) + stripper.end()


class ThinkStripper:
    """Feed it pieces in any cuts; it holds back only what may be the start of a tag."""

    __slots__ = ("_depth", "_held", "_said", "_trim")

    def __init__(self) -> None:
        self._held = ""
        self._depth = 0
        self._said = False
        self._trim = False

    def feed(self, text: str) -> str:
        if self._held:
            text, self._held = self._held + text, ""
        elif "<" not in text and not self._trim:
            self._said = self._said or not (self._depth or not text)
            return "" if self._depth else text
        kept: list[str] = []
        for piece in TAG.split(self._without_start_of_tag(text)):
            if piece[:1] == "<" and piece.lower() in TAGS:
                self._turn(closing=piece[1] == "/")
            elif piece and not self._depth:
                kept.append(self._kept(piece))
        return "".join(kept)

    def end(self) -> str:
        """The text is over: what was held back was no tag."""
        held, self._held = self._held, ""
        return "" if self._depth else self._kept(held)

    def _turn(self, *, closing: bool) -> None:
        if not closing:
            self._depth += 1
        elif self._depth:
            self._depth -= 1
            self._trim = not self._said

    def _kept(self, piece: str) -> str:
        if self._trim:
            piece = piece.lstrip()
            self._trim = not piece
        self._said = self._said or bool(piece)
        return piece

    def _without_start_of_tag(self, text: str) -> str:
        at = text.rfind("<", max(0, len(text) - LONGEST_START))
        if at >= 0:
            start = text[at:].lower()
            if any(tag.startswith(start) for tag in TAGS):
                self._held = text[at:]
                return text[:at]
        return text
