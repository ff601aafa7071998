"""The command line: one verb a file, imported when it is called."""

import difflib
import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import click

from gateway import __version__


class Verb(NamedTuple):
    """Where its command is, and what it does."""

    place: str
    help: str
    """As the command says it: the list of all verbs is shown without importing one."""


VERBS: Mapping[str, Verb] = MappingProxyType(
    {
        "serve": Verb("gateway.cli.serve:serve", "Run the gateway."),
        "validate-config": Verb(
            "gateway.cli.validate_config:validate_config",
            "Prove a configuration: everything a start would refuse, and warnings.",
        ),
        "explain": Verb("gateway.cli.explain:explain", "Where a request would go, and why."),
        "plan": Verb("gateway.cli.plan:plan", "What another configuration would change about requests."),
        "bisect": Verb("gateway.cli.bisect:bisect", "The revision that changed where a request goes."),
        "schema": Verb("gateway.cli.schema:schema", "Print the JSON Schema of the configuration."),
        "render": Verb(
            "gateway.cli.render:render", "Print the merged configuration and the origin of every leaf, or a ConfigMap."
        ),
        "keys": Verb("gateway.cli.keys:keys", "Make keys for callers."),
        "init": Verb(
            "gateway.cli.init:init", "Make a repository for a routing policy: configuration, tests, CI, editor."
        ),
        "import": Verb("gateway.cli.import_:import_", "Translate the configuration of another gateway."),
        "status": Verb("gateway.cli.status:status", "How a running gateway is."),
        "reload": Verb("gateway.cli.reload:reload", "Have a running gateway read its files now."),
        "usage": Verb("gateway.cli.usage:usage", "Who used what, and what it cost."),
        "requests": Verb("gateway.cli.requests:requests", "What was recorded, request by request."),
        "audit": Verb("gateway.cli.audit:audit", "Who changed what, when, and from where."),
        "wildcard": Verb("gateway.cli.wildcard:wildcard", "The ladder of `*` in a running gateway."),
        "catalog": Verb(
            "gateway.cli.catalog.group:catalog", "List models and prices, compare catalogues, lock prices."
        ),
    }
)
"""A new verb is a file and a row here."""


class Verbs(click.Group):
    """Imports a verb only when it is needed: `validate-config` in CI does not wait for the server's libraries."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        module, _, name = verb.place.partition(":")
        command = getattr(importlib.import_module(module), name)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name in VERBS or name.startswith("-"):
            return super().resolve_command(ctx, args)
        meant = difflib.get_close_matches(name, VERBS, n=1) or [verb for verb in VERBS if verb.startswith(name)]
        hint = f"; did you mean `{meant[0]}`?" if meant else ""
        raise click.UsageError(f"No such command '{name}'{hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.help) for name, verb in VERBS.items()])


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
