"""`tokenhub render`: the merged configuration, and where each of its leaves comes from; or a ConfigMap of it."""

import os
import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import click

from gateway.cli.places import find_config
from gateway.cli.show_problems import show
from gateway.config.configmap import UnfitError, Wish, flattened, manifest, several
from gateway.config.load import Loading, World, load
from gateway.config.render import as_json, as_yaml

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,250}[a-z0-9])?")


@click.command("render", short_help="Print the merged configuration and the origin of every leaf, or a ConfigMap.")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["yaml", "json", "k8s-configmap"]),
    default="yaml",
    show_default=True,
    help="How to print it.",
)
@click.option("--name", default="tokenhub-config", show_default=True, help="Of the ConfigMap.")
@click.option("--namespace", help="Of the ConfigMap.")
@click.option("--suffix", is_flag=True, help="Put a digest of the content behind the name of the ConfigMap.")
@click.option("--files", is_flag=True, help="A key of the ConfigMap for each file, instead of one for all together.")
def render(config: Path | None, form: str, name: str, namespace: str | None, suffix: bool, files: bool) -> None:
    """Print the merged configuration and the origin of every leaf, or a Kubernetes ConfigMap of it.

    Follows every include and overlay of CONFIG and prints what they come to, as one YAML file that means the same. A
    comment behind each value names the file and line it comes from. References stay references; a secret that is
    written out is printed as ***.

    \b
    tokenhub render configs/
    tokenhub render --format json | jq '.origins["server.listen"]'
    tokenhub render --format k8s-configmap --namespace tokenhub | kubectl apply -f -

    With --format json: {"config": {…}, "origins": {"path": "file:line:column"}}.

    With --format k8s-configmap, the same files always give the same bytes. Includes are flattened into the key
    tokenhub.yaml; with --files, each file of the folder is a key of its own. A secret that is written out is refused.
    Without --suffix, the ConfigMap is changed in place and running gateways reload it; with --suffix, it is immutable
    and a change replaces the pods.

    Exit status: 0 printed, 1 CONFIG is not valid or does not fit into a ConfigMap, 2 wrong usage.
    """
    for option, text in (("--name", name), ("--namespace", namespace)):
        if text is not None and not _NAME.fullmatch(text):
            raise click.BadParameter("expected lower-case letters, digits, `-` and `.`", param_hint=option)
    path = find_config(config)
    loading = load(path, World(env=os.environ, today=_today(), secrets="skip"))
    if loading.declaration is None or loading.tree is None:
        show(loading.problems, omitted=loading.omitted, err=True)
        sys.exit(1)
    if form == "k8s-configmap":
        click.echo(_configmap(path, loading, Wish(name=name, namespace=namespace, suffixed=suffix), files), nl=False)
        return
    click.echo((as_json if form == "json" else as_yaml)(loading.tree), nl=False)


def _configmap(path: Path, loading: Loading, wish: Wish, files: bool) -> str:
    """With the candidate, if it names one: both are needed in the pod."""
    loaded = {path: loading}
    if loading.candidate is not None:
        loaded[loading.candidate] = load(loading.candidate, World(env=os.environ, today=_today(), secrets="skip"))
    try:
        texts: dict[str, str] = {}
        for file, one in loaded.items():
            texts |= several(one, file, path) if files else flattened(one, file, path)
        return manifest(texts, loading.digest or "", wish)
    except UnfitError as error:
        click.echo(f"{path}: {error}", err=True)
        sys.exit(1)


def _today() -> date:
    return datetime.now(UTC).date()
