"""Read merge keys (`<<: *defaults`), which the files of others use and ours do not know."""

import yaml

from gateway.config.compose import Walk

Pairs = list[tuple[yaml.Node, yaml.Node]]


class MergeKeys(Walk):
    """A walk in which a map has what it merges, too; what it says itself goes first, then the first that is merged."""

    def pairs(self, raw: yaml.MappingNode) -> Pairs:
        own: Pairs = [pair for pair in raw.value if not _merges(pair[0])]
        merged = [value for key, value in raw.value if _merges(key)]
        if not merged:
            return own
        names = {key.value for key, _ in own if isinstance(key, yaml.ScalarNode)}
        for key, value in self._of(merged, (id(raw),)):
            if key.value not in names:
                names.add(key.value)
                own.append((key, value))
        return own

    def _of(self, merged: list[yaml.Node], trail: tuple[int, ...]) -> Pairs:
        """Of maps and lists of maps, one behind the other, with what these merge themselves."""
        found: Pairs = []
        for node in merged:
            if id(node) in trail:
                self.circle(node)
            elif not self.may_expand(node):
                break
            elif isinstance(node, yaml.SequenceNode):
                found += self._of(list(node.value), (*trail, id(node)))
            elif isinstance(node, yaml.MappingNode):
                found += [pair for pair in node.value if isinstance(pair[0], yaml.ScalarNode) and not _merges(pair[0])]
                found += self._of([value for key, value in node.value if _merges(key)], (*trail, id(node)))
        return found


def _merges(key: yaml.Node) -> bool:
    return isinstance(key, yaml.ScalarNode) and key.value == "<<" and key.style == ""
