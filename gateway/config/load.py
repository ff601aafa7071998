"""How files become a declaration: read, compose, merge, check the shape, look up references, check the meaning."""

from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from gateway.config.canonical import digest_of
from gateway.config.check_meaning import check_meaning
from gateway.config.check_shape import ShapeCheck
from gateway.config.findings import Findings
from gateway.config.forms import form_of
from gateway.config.gather import gather
from gateway.config.loading import Loading, decode_loading, encode_loading
from gateway.config.problem import in_order
from gateway.config.resolve import Resolver, data_dir
from gateway.config.shape import Declaration
from gateway.config.sources import Library
from gateway.config.tree import Node, find
from gateway.config.whereabouts import places_of
from gateway.config.world import World

__all__ = ["Loading", "World", "decode_loading", "encode_loading", "load"]


def load(path: Path, world: World) -> Loading:
    """Everything that is wrong with a configuration, or, if nothing is, the configuration."""
    findings = Findings()
    library = Library(findings)
    resolver = Resolver(world, findings)
    declaration = None
    tree = findings.root = gather(path, library, findings)
    if tree is not None:
        shape = ShapeCheck(findings)
        plain = shape.record(form_of(Declaration), tree, ())
        for node, place, _ in shape.references:
            resolver.resolve(node, place)
        findings.knows_secrets(resolver.values.values())
        declaration = _declared(plain)
        check_meaning(declaration, tree, resolver.values, world, findings)
    for file, raw in resolver.read:
        library.note(file, raw)
    library.folders += [file.parent for file in resolver.missing]
    held = None if findings.failed else declaration
    problems = in_order(findings.problems)
    digest = digest_of(held) if held else None
    return Loading(
        declaration=held,
        problems=tuple(problems),
        omitted=len(findings.problems) - len(problems),
        digest=digest,
        fingerprint=library.fingerprint,
        files=tuple(library.files),
        folders=tuple(library.folders),
        secrets=resolver.values if world.secrets == "resolve" else {},
        data_dir=data_dir(world.env),
        places=places_of(tree, "tests"),
        candidate=_candidate(held, tree),
        bare_digest=digest_of(replace(held, canary=None)) if held and held.canary else digest,
        tree=tree,
    )


def _declared(plain: dict[str, Any]) -> Declaration:
    """Includes have been followed; what is left is one declaration."""
    return msgspec.convert(plain | {"include": (), "overlay": ()}, Declaration)


def _candidate(declaration: Declaration | None, tree: Node | None) -> Path | None:
    """Beside the file that names it."""
    if declaration is None or declaration.canary is None or tree is None:
        return None
    said = find(tree, ("canary", "config"))
    return None if said is None else Path(said.source.name).parent / declaration.canary.config
