"""Strip Markdown's structure from a text, but no character inside code or words; every step is linear.

Headings, quotes, bullets, rules, fences, tables' frames, emphasis, links and escapes lose their marks. What stands in
code stays as it is, numbers of lists stay, and `snake_case`, `2*3*4` or `a_b_c` are words.
"""

import re
from collections.abc import Iterator

FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})")
HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]+|$)")
UNDERLINE = re.compile(r" {0,3}=+[ \t]*")
QUOTE = re.compile(r"(?: {0,3}> ?)+")
BULLET = re.compile(r"([ \t]*)[-*+][ \t]+(?:\[[ xX]\][ \t]+)?")
TABLE_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")


def plain_text(text: str) -> str:
    """The words alone."""
    out: list[str] = []
    prose: list[str] = []
    closing = ""
    for line in text.split("\n"):
        fence = FENCE.fullmatch(line)
        if closing:
            if fence and fence[1].startswith(closing) and not fence[2].strip():
                closing = ""
            else:
                out.append(line)
        elif fence and "`" not in fence[2]:
            closing = fence[1]
            out += _flushed(prose)
        else:
            prose += _unframed(line)
    return "\n".join([*out, *_flushed(prose)]).strip()


def _flushed(prose: list[str]) -> list[str]:
    if not prose:
        return []
    text = _words("\n".join(prose))
    prose.clear()
    return [text]


def _unframed(line: str) -> Iterator[str]:
    """The line without the marks that stand at its start; nothing where it is a mark altogether."""
    quote = QUOTE.match(line)
    if quote:
        line = line[quote.end() :]
    if RULE.fullmatch(line) or (UNDERLINE.fullmatch(line) and line.strip()):
        return
    if "|" in line:
        if TABLE_RULE.fullmatch(line):
            return
        stripped = line.strip()
        if len(stripped) > 1 and stripped[0] == stripped[-1] == "|":
            line = stripped[1:-1].strip()
    if heading := HEADING.match(line):
        yield line[heading.end() :].rstrip().rstrip("#").rstrip() or line[heading.end() :].strip()
        return
    bullet = BULLET.match(line)
    yield bullet[1] + line[bullet.end() :] if bullet else line


MARK = re.compile(r"(`+)|\\([!-/:-@\[-`{-~])|(!?\[)|(\]\([^()\s\[\]]*(?:[ \t]+\"[^\"\n]*\")?\))|(\*{1,3}|_{1,3}|~~)")
"""Code, escape, start of a link, its end with the address, emphasis."""


NAME = re.compile(r"[a-z0-9_]+")
"""What stands between double underscores in `__init__`: a word, not something stressed."""
Place = tuple[int, int]
"""Which piece an opening mark is, and where the text behind it begins."""


def _words(text: str) -> str:
    """Prose without the marks inside it: each mark is looked at once, and paired with the nearest open one."""
    pieces: list[str] = []
    opened: dict[str, list[Place]] = {}
    code_ends = _code_ends(text)
    at = 0
    while mark := MARK.search(text, at):
        pieces.append(text[at : mark.start()])
        at = mark.end()
        if mark[1]:
            end = code_ends.get(mark.start())
            pieces.append(mark[1] if end is None else _code(text[at : end - len(mark[1])]))
            at = at if end is None else end
        elif mark[2]:
            pieces.append(mark[2])
        else:
            _pair(mark, text, pieces, opened)
    pieces.append(text[at:])
    return "".join(pieces)


def _code_ends(text: str) -> dict[int, int]:
    """Where a run of backticks begins to where the next run of the same length ends."""
    ends: dict[int, int] = {}
    waiting: dict[int, int] = {}
    for run in reversed(list(re.finditer("`+", text))):
        length = run.end() - run.start()
        if length in waiting:
            ends[run.start()] = waiting[length]
        waiting[length] = run.end()
    return ends


def _code(inner: str) -> str:
    """One space on either side belongs to the marks."""
    return inner[1:-1] if len(inner) > 2 and inner[0] == inner[-1] == " " else inner


def _pair(mark: re.Match[str], text: str, pieces: list[str], opened: dict[str, list[Place]]) -> None:
    """Emphasis and links: marks that find their partner become nothing, or the address; the others stay."""
    kind = "[" if mark[3] or mark[4] else mark[5]
    starts = opened.setdefault(kind, [])
    before = text[mark.start() - 1 : mark.start()]
    after = text[mark.end() : mark.end() + 1]
    if mark[4] or (mark[5] and starts and before.strip() and not _is_word(after)):
        if starts:
            piece, begin = starts.pop()
            if kind == "__" and NAME.fullmatch(text, begin, mark.start()):
                pieces.append(mark[0])
                return
            pieces[piece] = ""
            pieces.append(_address(mark[4]) if mark[4] else "")
            return
    elif mark[3] or (after.strip() and not _is_word(before)):
        starts.append((len(pieces), mark.end()))
    pieces.append(mark[0])


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _address(end: str) -> str:
    address = end[2:-1].partition(" ")[0]
    return f" ({address})" if address else ""
