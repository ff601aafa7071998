"""One report of a configuration, in the words of those who read it: people, scripts, GitHub, scanners, CI servers."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from gateway.cli.reports.as_json import as_json
from gateway.cli.reports.as_text import as_text
from gateway.cli.reports.github import as_github
from gateway.cli.reports.junit import as_junit
from gateway.cli.reports.sarif import as_sarif
from gateway.cli.reports.told import Told

__all__ = ["FORMATS", "Told"]

FORMATS: Mapping[str, Callable[[Told], str]] = MappingProxyType(
    {"text": as_text, "json": as_json, "sarif": as_sarif, "github": as_github, "junit": as_junit}
)
"""By the word behind `--format`."""
