"""The official Node SDK as a client: it works by changing its base URL, errors and retries included."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving import KEY, Serving, a_config, serving
from tests.wire import Scripted, Wire, openai_chat, openai_error, openai_stream
from tests.wire.openai import stream_chunk
from tests.wire.scripted import events

FOLDER = Path(__file__).parent.parent / "node"
NODE = shutil.which("node")

TRIES = 3
"""A registry is on the other side of a network."""

pytestmark = pytest.mark.skipif(
    NODE is None and not os.environ.get("CI"), reason="there is no node on this machine; CI insists on it"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Wire, Serving]]:
    if not (FOLDER / "node_modules").exists():
        installed(tmp_path_factory).rename(FOLDER / "node_modules")
    with Wire() as wire, serving(a_config(wire.url), tmp_path_factory.mktemp("node")) as gateway:
        yield wire, gateway


def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somewhere new each time, so that what a try left half done is in nobody's way."""
    told = []
    for _ in range(TRIES):
        place = tmp_path_factory.mktemp("npm")
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(FOLDER / name, place)
        done = subprocess.run(
            ["npm", "ci", "--cache", str(place / "cache")],
            check=False,
            cwd=place,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode == 0:
            return place / "node_modules"
        told.append(done.stderr)
    raise AssertionError("\n".join(told))


def run(world: tuple[Wire, Serving], scenario: str, *script: Scripted, retries: int = 0) -> Any:
    wire, gateway = world
    wire.forget()
    wire.script(*script)
    done = subprocess.run(
        [str(NODE), "scenarios.mjs", scenario],
        cwd=FOLDER,
        env={**os.environ, "URL": gateway.url, "KEY": KEY, "RETRIES": str(retries)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def a_tool_call() -> Scripted:
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Bern"}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return Scripted(
        body={"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    )


def test_chat(world: tuple[Wire, Serving]) -> None:
    said = run(world, "chat", openai_chat("Sunny."))
    assert said["id"].startswith("chatcmpl-th-")
    assert said["text"] == "Sunny."


def test_streaming_with_usage(world: tuple[Wire, Serving]) -> None:
    said = run(world, "stream", openai_stream(["Sun", "ny."], usage=(3, 2)))
    assert said == {"ids": 1, "text": "Sunny.", "usage": 5}


def test_tools_in_a_loop_of_two_turns(world: tuple[Wire, Serving]) -> None:
    said = run(world, "tools", a_tool_call(), openai_chat("It is sunny."))
    assert said == {"name": "weather", "city": "Bern", "text": "It is sunny."}


def test_structured_outputs_are_parsed(world: tuple[Wire, Serving]) -> None:
    assert run(world, "parse", openai_chat('{"city": "Bern", "degrees": 21}')) == {"city": "Bern", "degrees": 21}


def test_embeddings_which_the_sdk_asks_for_in_base64(world: tuple[Wire, Serving]) -> None:
    said = run(world, "embeddings")
    assert (said["count"], said["numbers"]) == (2, "number")
    assert said["model"].startswith("p1/")


def test_completions(world: tuple[Wire, Serving]) -> None:
    said = run(world, "completions")
    assert said["object"] == "text_completion"
    assert said["text"]


def test_models(world: tuple[Wire, Serving]) -> None:
    assert run(world, "models") == {"ids": ["gpt-4o", "p1/gpt-4o"], "one": "p1/gpt-4o"}


def test_the_sdks_own_error_classes(world: tuple[Wire, Serving]) -> None:
    told = run(world, "errors")
    classes = {name: (error["class"], error["status"]) for name, error in told.items()}
    assert classes == {
        "bad_request": ("BadRequestError", 400),
        "not_found": ("NotFoundError", 404),
        "unprocessable": ("UnprocessableEntityError", 422),
        "unauthenticated": ("AuthenticationError", 401),
    }
    assert all(error["id"].startswith("req-") for error in told.values())


def test_the_sdk_does_not_multiply_retries_that_we_spent(world: tuple[Wire, Serving]) -> None:
    wire, _ = world
    said = run(world, "chat", *[openai_error(500)] * 9, retries=3)
    assert (said["thrown"], said["status"]) == ("InternalServerError", 500)
    assert len(wire.requests) == 2


def test_a_stream_that_breaks_is_an_error_and_no_success(world: tuple[Wire, Serving]) -> None:
    broken = events([stream_chunk({"content": "Sun"}), b"data: {broken\n\n"], done=False, pace_s=0.05)
    said = run(world, "broken_stream", broken)
    assert (said["text"], said["error"]) == ("Sun", "APIError")
