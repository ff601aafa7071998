"""As much of kustomize as our examples use, strict about the rest: a folder becomes what a cluster gets."""

from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]

KNOWN = {
    "apiVersion",
    "kind",
    "namespace",
    "resources",
    "components",
    "patches",
    "configMapGenerator",
    "generatorOptions",
    "images",
}
MERGE_KEYS = {
    "containers": "name",
    "env": "name",
    "ports": "containerPort",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "topologySpreadConstraints": "topologyKey",
}
"""As the API's own types declare them; every other list is replaced."""
CLUSTER_WIDE = {"Namespace"}


def built(folder: Path) -> list[Manifest]:
    """What `kubectl kustomize` would print."""
    return _built(folder, [])


def _built(folder: Path, below: list[Manifest]) -> list[Manifest]:
    said = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert set(said) <= KNOWN, set(said) - KNOWN
    manifests = list(below)
    for name in said.get("resources", ()):
        manifests += _built(folder / name, []) if (folder / name).is_dir() else documents(folder / name)
    suffixed = not said.get("generatorOptions", {}).get("disableNameSuffixHash", False)
    for wish in said.get("configMapGenerator", ()):
        assert not suffixed, "names with digests would have to be replaced everywhere"
        manifests.append(generated(wish, folder))
    for name in said.get("components", ()):
        manifests = _built(folder / name, manifests)
    for manifest in manifests:
        if said.get("namespace") and manifest["kind"] not in CLUSTER_WIDE:
            manifest["metadata"]["namespace"] = said["namespace"]
    for wish in said.get("patches", ()):
        for patch in documents(folder / wish["path"]):
            manifests = [merged(one, patch) if same(one, patch) else one for one in found(manifests, patch)]
    for image in said.get("images", ()):
        rename(manifests, image)
    return manifests


def documents(file: Path) -> list[Manifest]:
    return [document for document in yaml.safe_load_all(file.read_text()) if document]


def generated(wish: dict[str, Any], folder: Path) -> Manifest:
    assert set(wish) == {"name", "files"}
    for name in wish["files"]:
        assert (folder / name).resolve().is_relative_to(folder.resolve()), "kustomize reads nothing outside its folder"
    data = {Path(name).name: (folder / name).read_text() for name in wish["files"]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": wish["name"]}, "data": data}


def same(one: Manifest, other: Manifest) -> bool:
    return all(one[part] == other[part] for part in ("apiVersion", "kind")) and all(
        one["metadata"].get(part) == other["metadata"].get(part) for part in ("name", "namespace")
    )


def found(manifests: list[Manifest], patch: Manifest) -> list[Manifest]:
    assert sum(same(one, patch) for one in manifests) == 1, f"nothing to patch with {patch['metadata']}"
    return manifests


def merged(base: Any, patch: Any, name: str = "") -> Any:
    """A strategic merge."""
    if isinstance(base, dict) and isinstance(patch, dict):
        return base | {key: merged(base[key], value, key) if key in base else value for key, value in patch.items()}
    if isinstance(base, list) and isinstance(patch, list) and name in MERGE_KEYS:
        key = MERGE_KEYS[name]
        upper = {item[key]: item for item in patch}
        kept = [merged(item, upper[item[key]]) if item[key] in upper else item for item in base]
        return kept + [item for item in patch if item[key] not in {one[key] for one in base}]
    return patch


def rename(manifests: list[Manifest], image: dict[str, str]) -> None:
    for manifest in manifests:
        for container in manifest.get("spec", {}).get("template", {}).get("spec", {}).get("containers", ()):
            if container["image"] == image["name"]:
                container["image"] = f"{image['newName']}:{image['newTag']}"
