"""The manifests in `examples/kubernetes`: valid for the API, sound for a gateway, and true about ours."""

import json
import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from gateway.cli.main import VERBS
from gateway.config.compile import compile_snapshot, drive
from gateway.config.load import Loading, World, load
from gateway.web.app import document
from tests.deploying.kustomize import Manifest, built
from tests.deploying.operator import SCHEMAS

FOLDER = Path(__file__).parent.parent.parent / "examples" / "kubernetes"
BUILDS = ("base", "overlays/staging", "overlays/production")
SCHEMA_FILES = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
RELEASES = ("v1.31.0-local-strict", "v1.37.0-local-strict")
"""The oldest we promise, and the newest whose schemas are to be had."""

CASES = [(build, manifest) for build in BUILDS for manifest in built(FOLDER / build)]


def kind(build: str, name: str) -> Manifest:
    (one,) = (manifest for manifest in built(FOLDER / build) if manifest["kind"] == name)
    return one


def pod(build: str) -> dict[str, Any]:
    spec: dict[str, Any] = kind(build, "Deployment")["spec"]["template"]["spec"]
    return spec


def container(build: str) -> dict[str, Any]:
    (one,) = pod(build)["containers"]
    return dict(one)


@cache
def configuration() -> Loading:
    path = FOLDER / "base/config/tokenhub.yaml"
    return load(path, World(env={}, today=date(2026, 11, 1), secrets="skip"))


@cache
def definitions(release: str) -> dict[str, Any]:
    text = (SCHEMA_FILES / release / "_definitions.json").read_text().replace("/api/_definitions.json#/", "#/")
    found: dict[str, Any] = json.loads(text)["$defs"]
    return found


@cache
def validator(release: str, name: str) -> jsonschema.Draft202012Validator:
    text = (SCHEMA_FILES / release / name).read_text().replace("/api/_definitions.json#/", "#/")
    schema = {key: value for key, value in json.loads(text).items() if key != "$id"}
    return jsonschema.Draft202012Validator(schema | {"$defs": definitions(release)})


def schema_file(manifest: Manifest) -> str:
    group, _, version = manifest["apiVersion"].rpartition("/")
    parts = [manifest["kind"], group.removesuffix(".k8s.io"), version]
    return "-".join(part for part in parts if part).lower() + ".json"


@pytest.mark.parametrize(("build", "manifest"), CASES, ids=lambda case: case if isinstance(case, str) else case["kind"])
def test_every_manifest_is_valid(build: str, manifest: Manifest) -> None:
    if manifest["kind"] in SCHEMAS:
        jsonschema.Draft202012Validator(SCHEMAS[manifest["kind"]]).validate(manifest)
        return
    for release in RELEASES:
        validator(release, schema_file(manifest)).validate(manifest)


def test_the_validators_are_strict() -> None:
    manifest = kind("base", "Deployment")
    manifest["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(jsonschema.ValidationError):
        validator(RELEASES[0], "deployment-apps-v1.json").validate(manifest)
    monitor = kind("overlays/production", "ServiceMonitor")
    monitor["spec"]["endpoints"][0]["intervall"] = "1s"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMAS["ServiceMonitor"]).validate(monitor)


def test_every_file_belongs_to_a_build() -> None:
    used = {"kustomization.yaml", *re.findall(r"[\w/-]+\.yaml", "".join(map(Path.read_text, kustomizations())))}
    for file in FOLDER.rglob("*.yaml"):
        assert file.name in {Path(name).name for name in used}, file


def kustomizations() -> Iterator[Path]:
    return FOLDER.rglob("kustomization.yaml")


def test_the_configuration_is_valid_and_its_tests_pass() -> None:
    loading = configuration()
    assert [problem.message for problem in loading.problems] == []


@pytest.mark.parametrize("build", BUILDS)
def test_a_pod_gives_nothing_away(build: str) -> None:
    spec, one = pod(build), container(build)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] >= 10_000
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert one["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(one["resources"]["limits"]) >= {"cpu", "memory"}
    assert set(one["resources"]["requests"]) >= {"cpu", "memory"}
    assert re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+", one["image"]), "pinned by tag"
    for entry in one["env"]:
        assert "value" not in entry, "what is secret comes by reference"


@pytest.mark.parametrize("build", BUILDS)
def test_mounts_are_whole_folders_that_exist(build: str) -> None:
    volumes = {volume["name"]: volume for volume in pod(build)["volumes"]}
    mounts = {mount["name"]: mount for mount in container(build)["volumeMounts"]}
    assert set(mounts) == set(volumes)
    assert not any("subPath" in mount for mount in mounts.values())
    made = kind(build, "ConfigMap")
    assert volumes["config"]["configMap"]["name"] == made["metadata"]["name"]
    verb, path = container(build)["args"]
    assert verb in VERBS
    assert (Path(path).parent, Path(path).name) == (Path(mounts["config"]["mountPath"]), "tokenhub.yaml")
    assert "tokenhub.yaml" in made["data"]
    loading = configuration()
    assert loading.declaration is not None
    assert loading.declaration.data_dir == mounts["data"]["mountPath"]
    assert "emptyDir" in volumes["data"]
    assert "/tmp" in {mount["mountPath"] for mount in mounts.values()}, "workers meet there"
    needed = set(re.findall(r"\$\{file:([^}]+)\}", made["data"]["tokenhub.yaml"]))
    assert {Path(name).parent for name in needed} == {Path(mounts["secrets"]["mountPath"])}
    page = (FOLDER / "README.md").read_text()
    assert all(f"--from-literal={Path(name).name}=" in page for name in needed), "the page makes every secret"
    assert f"secret generic {volumes['secrets']['secret']['secretName']} " in page


@pytest.mark.parametrize("build", BUILDS)
def test_ports_and_probes_are_those_of_the_gateway(build: str) -> None:
    snapshot = drive(compile_snapshot(configuration()))
    ports = {port["name"]: port["containerPort"] for port in container(build)["ports"]}
    assert snapshot.server.listen.endswith(f":{ports['http']}")
    assert (snapshot.server.admin_listen or "").endswith(f":{ports['admin']}")
    paths = document()["paths"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container(build)[probe]["httpGet"]
        assert asked["port"] in ports
        assert "get" in paths[asked["path"]]
    assert container(build)["readinessProbe"]["httpGet"]["path"] == "/readyz"
    services = [one for one in built(FOLDER / build) if one["kind"] == "Service"]
    assert {port["targetPort"] for service in services for port in service["spec"]["ports"]} == set(ports)
    allowed = kind(build, "NetworkPolicy")["spec"]["ingress"]
    assert {port["port"] for rule in allowed for port in rule["ports"]} == set(ports.values())


@pytest.mark.parametrize("build", BUILDS)
def test_a_pod_lives_long_enough_to_end_its_streams(build: str) -> None:
    server = drive(compile_snapshot(configuration())).server
    pause = container(build)["lifecycle"]["preStop"]["sleep"]["seconds"]
    grace = pod(build)["terminationGracePeriodSeconds"]
    assert grace >= pause + server.drain_delay_s + server.shutdown_grace_s + 5
    probe = container(build)["readinessProbe"]
    assert pause + server.drain_delay_s >= probe["periodSeconds"] * probe["failureThreshold"]


@pytest.mark.parametrize("build", BUILDS)
def test_selectors_find_the_pods(build: str) -> None:
    deployment = kind(build, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    selectors = [deployment["spec"]["selector"]["matchLabels"]]
    selectors += [one["spec"]["selector"] for one in built(FOLDER / build) if one["kind"] == "Service"]
    selectors += [kind(build, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"]]
    selectors += [kind(build, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"]]
    selectors += [one["labelSelector"]["matchLabels"] for one in pod(build)["topologySpreadConstraints"]]
    assert all(selector and selector.items() <= labels for selector in selectors)
    autoscaler = kind(build, "HorizontalPodAutoscaler")["spec"]
    assert autoscaler["scaleTargetRef"] == {
        "apiVersion": deployment["apiVersion"],
        "kind": "Deployment",
        "name": deployment["metadata"]["name"],
    }
    assert "replicas" not in deployment["spec"], "two would decide"
    declared = drive(compile_snapshot(configuration())).server.replicas
    assert autoscaler["minReplicas"] <= autoscaler["maxReplicas"] <= declared


def test_the_monitor_finds_the_metrics() -> None:
    monitor = kind("overlays/production", "ServiceMonitor")
    (endpoint,) = monitor["spec"]["endpoints"]
    found = [
        service
        for service in built(FOLDER / "overlays/production")
        if service["kind"] == "Service"
        and monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    ]
    assert [port["name"] for service in found for port in service["spec"]["ports"]] == [endpoint["port"]]
    assert "get" in document()["paths"][endpoint["path"]]
    assert monitor["metadata"]["namespace"] == found[0]["metadata"]["namespace"]


def test_every_whole_configuration_map_is_plain_yaml() -> None:
    for text in kind("base", "ConfigMap")["data"].values():
        assert yaml.safe_load(text)["version"] == 1
