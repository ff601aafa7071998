"""What a check has found so far, and which parts of the file it can no longer speak about."""

import re
from collections.abc import Iterable

from gateway.config.codes import CODES
from gateway.config.problem import Problem
from gateway.config.tree import Node, Path, Spot, find, written

MOST = 2000


class Findings:
    """Grows with every check. What stands under a faulty path is not complained about twice."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.root: Node | None = None
        self.secrets: tuple[str, ...] = ()
        self._faulty: set[Path] = set()

    @property
    def failed(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)

    def at(self, code: str, path: Path, message: str, hint: str | None = None, *, key: bool = False) -> None:
        """A problem with the value (or the name) at a path of the merged tree."""
        if self.is_faulty(path):
            return
        self.add(code, self.spot(path, key=key), message, hint, path=path)

    def add(self, code: str, spot: Spot | None, message: str, hint: str | None = None, *, path: Path = ()) -> None:
        """A problem with a stretch of text."""
        severity = CODES[code].severity
        if severity == "error" and path:
            self._faulty.add(path)
        if len(self.problems) >= MOST:
            return
        self.problems.append(
            Problem(
                code=code,
                severity=severity,
                file=spot.source.name if spot else None,
                line=spot.line if spot else 1,
                column=spot.column if spot else 1,
                length=spot.length if spot else 1,
                path=written(path),
                message=self.blot(message),
                hint=self.blot(hint) if hint else None,
                excerpt=self.blot(blotted(spot.source.line(spot.line))) if spot else None,
            )
        )

    def mark(self, path: Path) -> None:
        """Nothing more is said about this path."""
        self._faulty.add(path)

    def is_faulty(self, path: Path) -> bool:
        """Whether this, or what it is part of, was already complained about."""
        return any(path[:length] in self._faulty for length in range(1, len(path) + 1))

    def spot(self, path: Path, *, key: bool = False) -> Spot | None:
        """Where a path stands; where it does not, the nearest thing around it that does."""
        if self.root is None:
            return None
        for length in range(len(path), -1, -1):
            node = find(self.root, path[:length])
            if node is not None:
                by_key = key or length < len(path) or isinstance(node.value, dict | list)
                return node.key if by_key and node.key else node.spot
        return None

    def blot(self, text: str) -> str:
        """Without the values of secrets, wherever they come from."""
        for secret in self.secrets:
            text = text.replace(secret, "*" * len(secret))
        return text

    def knows_secrets(self, values: Iterable[str]) -> None:
        """From now on these never show."""
        self.secrets = tuple(sorted({value for value in values if len(value) >= 6}, key=len, reverse=True))


_SECRETIVE = re.compile(
    r"""(?ix) (["']? [\w-]* (?:api[_-]?key|secret|passw|token|authoriz|credential|cookie|digest|private[_-]?key|apikey)
    [\w-]* ["']? \s* : \s*) (\[?\s*) ("[^"]*"? | '[^']*'? | \$\{[^{}]*\}? | [^\s,{}\[\]#]+ (?:[ ][^\s,{}\[\]#:]+)*)"""
)
_HARMLESS = re.compile(
    r"[\"']?(\$\{(?:(?!:-[^}])[^{}])*\}|[0-9._]+|true|false|null|~|sha256:[0-9a-f]{64}|[|>&*].*)[\"']?"
)
_TELLING = re.compile(
    r"(?<=://)[^/\s@]*:[^/\s@]*(?=@)|\b(?:sk|th|tokenhub|pk|xai|gsk|AIza|ghp|hf|AKIA)[-_]?[A-Za-z0-9_-]{10,}"
)


def blotted(line: str) -> str:
    """A line of a file with all that looks like a credential replaced by stars of the same length."""
    return _TELLING.sub(_stars, _SECRETIVE.sub(_secretive, line))


def _secretive(match: re.Match[str]) -> str:
    value = match[3]
    return match[0] if _HARMLESS.fullmatch(value) else match[1] + match[2] + "*" * len(value)


def _stars(match: re.Match[str]) -> str:
    return "*" * len(match[0])
