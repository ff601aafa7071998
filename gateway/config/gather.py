"""Read a configuration with all it includes, and merge it into one tree."""

import glob
import itertools
from pathlib import Path

import gateway
from gateway.config.compose import compose
from gateway.config.findings import Findings
from gateway.config.merge import merge
from gateway.config.problem import nearest
from gateway.config.sources import Library
from gateway.config.tree import Node, Spot
from gateway.config.tree import Path as TreePath

FILES = 1000
LEVELS = 8
_PACKAGE = Path(gateway.__file__).parent
SHIPPED = next((p for p in (_PACKAGE / "configs", _PACKAGE.parent / "configs") if p.is_dir()), _PACKAGE / "configs")
"""Configuration that comes with the package: installed, or in a checkout."""


def gather(path: Path, library: Library, findings: Findings) -> Node | None:
    """The merged tree, or None where the file itself cannot be read."""
    return _Gatherer(library, findings).whole(path, None, ())


class _Gatherer:
    """Remembers which files were read on the way."""

    def __init__(self, library: Library, findings: Findings) -> None:
        self.library = library
        self.findings = findings
        self.done: set[Path] = set()

    def whole(self, path: Path, wanted_by: Spot | None, trail: tuple[Path, ...]) -> Node | None:
        """One file over everything it includes."""
        source = self.library.read(path, wanted_by, meant)
        tree = compose(source, self.findings) if source else None
        if tree is None or not isinstance(tree.value, dict):
            self.findings.partial = True
            if tree is not None:
                self._not_a_map(tree)
            return None
        entries = tree.value
        trail = (*trail, _identity(path))
        overlays = self._wanted(entries.get("overlay"), path)
        upper = {_identity(file) for file, _ in overlays}
        lower = [
            (file, spot) for file, spot in self._wanted(entries.get("include"), path) if _identity(file) not in upper
        ]
        below = self._all(lower, trail, may_override=False, below=None)
        below = self._all(overlays, trail, may_override=True, below=below)
        return merge(below, tree) if below else tree

    def _not_a_map(self, tree: Node) -> None:
        if tree.value is None:
            self.findings.add("TH1006", Spot(tree.source, 1, 1, 1), "the file says nothing", "begin with `version: 1`")
        elif isinstance(tree.value, str | list | int | float):
            message = "expected a map with keys such as `providers` and `models`"
            self.findings.add("TH1403", tree.spot._replace(length=1), message, "begin with `version: 1`")

    def _wanted(self, node: Node | None, path: Path) -> list[tuple[Path, Spot]]:
        """The files a list of patterns stands for; what is no list of texts is left to the check of shapes."""
        items = node.value if node and isinstance(node.value, list) else []
        return [
            (file, item.spot)
            for item in items
            if isinstance(item.value, str) and item.value and "${" not in item.value and "\x00" not in item.value
            for file in self._matching(item, path.parent)
        ]

    def _matching(self, item: Node, folder: Path) -> list[Path]:
        pattern = item.value
        if not glob.has_magic(pattern):
            near, shipped = folder / pattern, SHIPPED / pattern
            return [near if near.exists() or not shipped.is_file() or Path(pattern).is_absolute() else shipped]
        self.library.folders.append((folder / pattern).parent)
        found = self._glob(folder, pattern) or self._glob(SHIPPED, pattern)
        if not found:
            self.findings.add("TH1205", item.spot, f"`{pattern}` matches no file")
        return found

    def _glob(self, folder: Path, pattern: str) -> list[Path]:
        found = glob.iglob(str(folder / pattern), recursive=True)  # noqa: PTH207 (leaves names as written)
        return [Path(name) for name in sorted(found)[: FILES + 1] if Path(name).is_file()]

    def _all(
        self, files: list[tuple[Path, Spot]], trail: tuple[Path, ...], *, may_override: bool, below: Node | None
    ) -> Node | None:
        for file, spot in files:
            if not self._may_read(file, spot, trail):
                continue
            self.done.add(_identity(file))
            tree = self.whole(file, spot, trail)
            if tree is not None:
                below = merge(below, tree, None if may_override else self._clash) if below else tree
        return below

    def _may_read(self, file: Path, spot: Spot, trail: tuple[Path, ...]) -> bool:
        identity = _identity(file)
        if identity in trail:
            circle = [p.name for p in (*trail[trail.index(identity) :], identity)]
            message = "files include each other in a circle: " + " -> ".join(circle)
            self.findings.add("TH1202", spot, message, "remove one of these includes")
            return False
        if len(trail) > LEVELS or len(self.done) >= FILES:
            message = f"more than {FILES} files, or {LEVELS} levels of includes"
            self.findings.add("TH1204", spot, message)
            self.findings.partial = True
            return False
        return identity not in self.done

    def _clash(self, path: TreePath, below: Node, above: Node) -> None:
        first = f"{below.source.name}:{below.line}:{below.column}"
        message = f"`{path[-1]}` is also set in {first}"
        hint = f"keep one of them, or list `{Path(above.source.name).name}` under `overlay:`"
        self.findings.add("TH1203", above.key or above.spot, message, hint, path=path)


def meant(missing: Path, wanted_by: Spot | None) -> str | None:
    """What to do about a file that is not there: the neighbour, or the shipped file, whose name is nearest."""
    if wanted_by is None:
        near = nearest(str(missing), map(str, _beside(missing.parent)))
        return near or "`tokenhub init` makes a configuration to begin with"
    line = wanted_by.source.line(wanted_by.line)
    said = line[wanted_by.column - 1 : wanted_by.column - 1 + wanted_by.length].strip("\"'")
    folder = Path(wanted_by.source.name).parent
    known = [*_beside(folder), *(folder / path.relative_to(SHIPPED) for path in _beside(SHIPPED / "catalog"))]
    names = [str(path.relative_to(folder)) for path in known]
    ends = {Path(name).name: name for name in names}
    return nearest(said, names) or (f"did you mean `{ends[said]}`?" if said in ends else None)


def _beside(folder: Path) -> list[Path]:
    """Files that a configuration may be in, here and one level below."""
    found = (path for pattern in ("*.y*ml", "*/*.y*ml") for path in folder.glob(pattern))
    return sorted(itertools.islice(found, FILES))


def _identity(path: Path) -> Path:
    """The same for the same file, however it is named."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path.absolute()
