"""What a check has found so far, and which parts of the file it can no longer speak about."""

from collections.abc import Iterable

from gateway.config.blot import blotted, starred
from gateway.config.codes import CODES
from gateway.config.problem import Problem
from gateway.config.tree import Node, Path, Spot, find, written

MOST = 1000
SECRETIVE = frozenset({"TH1308"})
"""Codes whose place is a secret."""

OF_THE_WHOLE = frozenset({"TH1402", "TH2202", "TH2208", "TH2209", "TH2404", *(f"TH20{n:02}" for n in range(1, 15))})
"""Codes of what is missing, and of names that lead nowhere: nobody can say so where a part was not read."""

LONGEST_LINE = 10_000
"""Longer ones are not shown."""


class Findings:
    """Grows with every check. What stands under a faulty path is not complained about twice."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.root: Node | None = None
        self.partial = False
        """Something that belongs to the configuration could not be read."""
        self.secrets: tuple[str, ...] = ()
        self._faulty: set[Path] = set()
        self._said: set[tuple[str, Spot | None, str]] = set()

    @property
    def failed(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)

    @property
    def is_full(self) -> bool:
        """Far more than will be shown: no need to word further ones."""
        return len(self.problems) >= MOST

    def at(self, code: str, path: Path, message: str, hint: str | None = None, *, key: bool = False) -> None:
        """A problem with the value (or the name) at a path of the merged tree."""
        if self.is_faulty(path):
            return
        self.add(code, self.spot(path, key=key), message, hint, path=path)

    def add(
        self,
        code: str,
        spot: Spot | None,
        message: str,
        hint: str | None = None,
        *,
        path: Path = (),
        hide: bool = False,
    ) -> None:
        """A problem with a stretch of text; `hide` where that text may be a secret."""
        if CODES[code].severity == "error" and path:
            self._faulty.add(path)
        once = (code, spot, message)
        if self.partial and code in OF_THE_WHOLE:
            return
        if not self.is_full and once not in self._said:
            self._said.add(once)
            self.problems.append(self._problem(code, spot, message, hint, path=path, hide=hide))

    def _problem(
        self, code: str, spot: Spot | None, message: str, hint: str | None, *, path: Path, hide: bool
    ) -> Problem:
        return Problem(
            code=code,
            severity=CODES[code].severity,
            file=spot.source.name if spot else None,
            line=spot.line if spot else 1,
            column=spot.column if spot else 1,
            length=spot.length if spot else 1,
            path=written(path),
            message=self.blot(message),
            hint=self.blot(hint) if hint else None,
            excerpt=self._excerpt(spot, hide=hide or code in SECRETIVE) if spot and spot.source.text else None,
        )

    def _excerpt(self, spot: Spot, *, hide: bool) -> str | None:
        line = spot.source.line(spot.line)
        if len(line) > LONGEST_LINE or not line.strip():
            return None
        if hide:
            line = starred(line, spot.column - 1, spot.column - 1 + spot.length if spot.length else len(line))
        return self.blot(blotted(line))

    def mark(self, path: Path) -> None:
        """Nothing more is said about this path."""
        self._faulty.add(path)

    def is_faulty(self, path: Path) -> bool:
        """Whether this, or what it is part of, was already complained about."""
        return any(path[:length] in self._faulty for length in range(1, len(path) + 1))

    def is_whole(self, path: Path) -> bool:
        """Whether nothing in it was complained about."""
        return not any(fault[: len(path)] == path for fault in self._faulty)

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
