"""Fill in the pages that are written as templates: reports and scaffolds. Never configuration."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


def page(name: str, **values: Any) -> str:
    """One of `gateway/pages`; a value that the page needs and does not get is an error."""
    return _ENVIRONMENT.get_template(name).render(**values)


def cell(text: object) -> str:
    """Text that stays in its cell of a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def dollars(usd: float) -> str:
    """As many digits as the sum needs to be read."""
    if abs(usd) >= 1 or not usd:
        return f"${usd:,.2f}"
    return f"${usd:.6f}".rstrip("0").rstrip(".")


_ENVIRONMENT = Environment(
    loader=PackageLoader("gateway", "pages"),
    autoescape=select_autoescape(enabled_extensions=("html", "html.j2"), default_for_string=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_ENVIRONMENT.filters |= {"cell": cell, "dollars": dollars}
