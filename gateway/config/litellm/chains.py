"""Who steps in for whom: fallbacks without circles, and other names."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gateway.config.litellm.sheet import Report, Sheet
from gateway.config.tree import Node, Path

LONGEST = 50


class Chains:
    """Grows chain by chain; a step that would close a circle, or leads nowhere, is told and left out."""

    def __init__(self, names: Mapping[str, str], own: Iterable[str], report: Report) -> None:
        self.fallbacks: dict[str, list[str]] = {}
        self._names = names
        self._own = tuple(own)
        self._report = report

    def add(self, sheet: Sheet, field: str, why: str | None = None) -> None:
        """One list of `{model: [models]}`; `why` it means something else here."""
        for name, node in sheet.pairs(field):
            path: Path = (*sheet.path, field, name)
            if why is not None:
                self._report.note("approximated", node, path, why)
            for start in self._starts(name, node, path):
                self._lengthen(start, node, path)

    def add_to_all(self, sheet: Sheet, field: str) -> None:
        """What steps in for everybody comes last in every chain."""
        node = sheet.take(field)
        if node is not None:
            for start in self._own:
                self._lengthen(start, node, (*sheet.path, field))

    def _starts(self, name: str, node: Node, path: Path) -> Iterator[str]:
        if name == "*":
            yield from self._own
        elif name in self._names:
            yield self._names[name]
        else:
            self._report.note("lost", node, path, f"there is no model `{name}` here")

    def _lengthen(self, start: str, node: Node, path: Path) -> None:
        for item in node.value if isinstance(node.value, list) else [node]:
            told = item.value.get("model") if isinstance(item.value, dict) else item
            target = self._names.get(str(told.value)) if told is not None else None
            if isinstance(item.value, dict):
                self._report.note("approximated", item, path, "only the model; parameters come with the request")
            if target is None:
                self._report.note("lost", item, path, "there is no such model here")
            elif target in self.fallbacks.get(start, ()) or (
                target == start and path[-1] in ("*", "default_fallbacks")
            ):
                continue
            elif target == start:
                self._report.note("lost", item, path, "nobody steps in for itself: retries are set for all")
            elif self._leads(target, start):
                self._report.note(
                    "lost", item, path, f"`{target}` falls back to `{start}` itself: that would be a circle"
                )
            elif len(self.fallbacks.setdefault(start, [])) < LONGEST:
                self.fallbacks[start].append(target)
            else:
                self._report.note("lost", item, path, f"a chain has at most {LONGEST} steps")

    def _leads(self, name: str, goal: str) -> bool:
        ahead, seen = [name], {name}
        while ahead:
            for following in self.fallbacks.get(ahead.pop(), ()):
                if following == goal:
                    return True
                if following not in seen:
                    seen.add(following)
                    ahead.append(following)
        return False


def aliases_of(sheet: Sheet, field: str, names: dict[str, str]) -> dict[str, Any]:
    """Names for names: `{alias: model}` or `{alias: {model: …, hidden: …}}`."""
    node, found = sheet.take(field), {}
    entries = node.value if node is not None and isinstance(node.value, dict) else {}
    for alias, said in entries.items():
        path: Path = (*sheet.path, field, alias)
        inner = Sheet(said, path, sheet.report) if isinstance(said.value, dict) else None
        target = inner.text("model") if inner is not None else str(said.value)
        if inner is not None and inner.flag("hidden"):
            inner.note("lost", "hidden", "GET /v1/models shows every name that a key may use")
        if alias in names:
            sheet.report.note("lost", said, path, "a model has this name already")
        elif target not in names or any(sign in alias for sign in " ,{}\t"):
            sheet.report.note("lost", said, path, f"there is no model `{target}` here")
        else:
            found[alias] = names[target]
    return found
