"""The command line: one verb a file, imported when it is called."""

import importlib
from importlib.util import find_spec
from types import MappingProxyType

import click

from gateway import __version__

VERBS = MappingProxyType(
    {
        "serve": "gateway.cli.serve:serve",
        "validate-config": "gateway.cli.validate_config:validate_config",
        "explain": "gateway.cli.explain:explain",
        "plan": "gateway.cli.plan:plan",
        "bisect": "gateway.cli.bisect:bisect",
        "schema": "gateway.cli.schema:schema",
        "render": "gateway.cli.render:render",
        "keys": "gateway.cli.keys:keys",
        "init": "gateway.cli.init:init",
        "import": "gateway.cli.import_:import_",
        "status": "gateway.cli.status:status",
        "reload": "gateway.cli.reload:reload",
        "usage": "gateway.cli.usage:usage",
        "wildcard": "gateway.cli.wildcard:wildcard",
        "catalog": "gateway.cli.catalog.group:catalog",
    }
)
"""Verb to module and command. A new verb is a file and a row here."""


class Verbs(click.Group):
    """Imports a verb only when it is needed: `validate-config` in CI does not wait for the server's libraries."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return [verb for verb, place in VERBS.items() if find_spec(place.partition(":")[0])]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        place = VERBS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        command = getattr(importlib.import_module(module), name)
        return command if isinstance(command, click.Command) else None


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "--version", prog_name="tokenhub", message="%(prog)s %(version)s")
def main() -> None:
    """A gateway to language models whose routing policy is a pull request.

    \b
    tokenhub validate-config     prove a configuration, in CI or at your desk
    tokenhub explain             where a request would go, and why
    tokenhub plan OLD NEW        what another configuration would change about requests
    tokenhub serve               run the gateway
    tokenhub VERB --help         more about a verb

    CONFIG is a file, or a folder that holds tokenhub.yaml. Left out, it is $TOKENHUB_CONFIG, else ./tokenhub.yaml, else
    ./configs/tokenhub.yaml.

    Results go to standard output, everything else to standard error. Colour and progress appear on a terminal only.

    Exit status: 0 fine, 1 the answer is no, 2 wrong usage, 78 (serve only) a configuration that cannot serve.
    """


if __name__ == "__main__":
    main()
