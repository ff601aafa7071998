"""`tokenhub catalog`: its verbs."""

import click

from gateway.cli.catalog.diff import diff
from gateway.cli.catalog.listing import listing
from gateway.cli.catalog.lock import lock


@click.group(
    "catalog",
    short_help="List models and prices, compare catalogues, lock prices.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def catalog() -> None:
    """List models and prices, compare catalogues, lock prices.

    A catalogue is a configuration, one of the files it includes, or a folder of such files. With the package come files
    for the vendors of hosted models, ready for `include: [catalog/openai.yaml]` (docs/catalog.md).
    """


for verb in (listing, diff, lock):
    catalog.add_command(verb)
