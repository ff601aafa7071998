"""Blot out what may be a credential before a line of a file is shown to anybody."""

import re

_NAMES = "api[_-]?key|secret|passw|token|authoriz|credential|cookie|digest|private[_-]?key"
_SECRETIVE = re.compile(
    rf"""(?ix) ((?<![\w-]) (?!allow_inline) ["']? [\w-]{{0,40}}? (?:{_NAMES}) [\w-]{{0,40}} ["']? \s* : \s*) (\[?\s*)
    ("[^"]*"? | '[^']*'? | \$\{{[^{{}}]*\}}? | [^\s,{{}}\[\]#]+ (?:[ ][^\s,{{}}\[\]#:]+)*)"""
)
_HARMLESS = re.compile(
    r"[\"']?(\$\{(?:(?!:-[^}])[^{}])*\}|[0-9._]+|true|false|null|~|sha256:[0-9a-f]{64}|[|>&*].*)[\"']?"
)
_TELLING = re.compile(
    r"(?<=://)[^/\s@:]*:[^/\s@]*(?=@)|\b(?:sk|th|tokenhub|pk|xai|gsk|AIza|ghp|hf|AKIA)[-_]?[A-Za-z0-9_-]{10,}"
)


def blotted(line: str) -> str:
    """All that looks like a credential replaced by stars of the same length, so that carets still fit."""
    return _TELLING.sub(_stars, _SECRETIVE.sub(_secretive, line))


def starred(line: str, start: int, end: int) -> str:
    """With stars from here to there."""
    return line[:start] + "*" * (min(end, len(line)) - start) + line[end:]


def _secretive(match: re.Match[str]) -> str:
    value = match[3]
    return match[0] if _HARMLESS.fullmatch(value) else match[1] + match[2] + "*" * len(value)


def _stars(match: re.Match[str]) -> str:
    return "*" * len(match[0])
