"""A running gateway as the command line sees it: where it is, who we are, and its answers as values or as sentences."""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

import click
import httpx
import msgspec

HERE = "http://127.0.0.1:8080"
TOKEN_VARIABLE = "TOKENHUB_ADMIN_TOKEN"  # noqa: S105 the name of a variable
WAIT = httpx.Timeout(70.0, connect=5.0)
"""A reload answers within a minute, whatever it meets."""

F = TypeVar("F", bound=Callable[..., Any])


def remote_options(command: F) -> F:
    """Every verb that talks to a gateway takes these."""
    for option in (
        click.option(
            "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output."
        ),
        click.option(
            "--token-env",
            default=TOKEN_VARIABLE,
            show_default=True,
            metavar="NAME",
            help="The environment variable that holds the admin token, or a key with the scope admin.",
        ),
        click.option(
            "--url", envvar="TOKENHUB_URL", default=HERE, show_default=True, help="The gateway, or $TOKENHUB_URL."
        ),
    ):
        command = option(command)
    return command


class Remote:
    """One gateway. Whatever goes wrong ends the program with a sentence: 1 the answer is no, 2 wrong usage."""

    def __init__(self, url: str, token_env: str) -> None:
        token = os.environ.get(token_env, "")
        if not token:
            raise click.UsageError(f"set {token_env} to the admin token of the gateway, or name another --token-env")
        self._base = base_of(url, "/admin/v1", "/v1")
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **asked: str | None) -> Any:
        return self.call("GET", path, params={name: value for name, value in asked.items() if value is not None})

    def call(self, method: str, path: str, *, fine: tuple[int, ...] = (200,), **more: Any) -> Any:
        """The body of an answer whose status is fine."""
        try:
            answer = httpx.request(method, f"{self._base}/admin/v1{path}", headers=self._headers, timeout=WAIT, **more)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            no(f"{self._base.partition('://')[2]} does not answer: {str(error) or type(error).__name__}")
        body = _decoded(answer)
        if answer.status_code not in fine:
            no(sentence(body) or f"the gateway answered {answer.status_code}")
        return body


def base_of(url: str, *paths: str) -> str:
    """The address of a gateway; `paths` are what some would write behind it."""
    base = url.rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"--url must begin with http:// or https://, found {url}")
    for path in paths:
        if base.endswith(path):
            raise click.UsageError(f"--url is written without `{path}`: {base.removesuffix(path)}")
    return base


def say(form: str, body: Any, text: Callable[[Any], None]) -> None:
    """As JSON for programs, in words for people."""
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(body), indent=2).decode())
    else:
        text(body)


def no(message: str) -> NoReturn:
    click.echo(f"error: {message}", err=True)
    sys.exit(1)


def sentence(body: Any) -> str:
    """What an error of the gateway says."""
    error = body.get("error") if isinstance(body, Mapping) else None
    return str(error.get("message", "")) if isinstance(error, Mapping) else ""


def _decoded(answer: httpx.Response) -> Any:
    try:
        return msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        no(f"this is not a tokenhub: it answered {answer.status_code} with something that is not JSON")
