"""Costly schemas are judged in another process, with a deadline."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.domain.answer import Answer
from gateway.domain.ask import OutputContract
from gateway.output.format import Shaped
from gateway.output.judge import Judge, is_cheap
from gateway.output.schema import check_schema
from gateway.output.survey import count_values
from gateway.output.validator import Mismatch

NONE = Answer(whole={}, usage=None, model="m")
TREE = {"properties": {"kids": {"items": {"$ref": "#"}}}, "required": ["name"]}
HOSTILE = {"allOf": [{"items": {"$ref": "#"}}, {"items": {"$ref": "#"}}]}


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def with_judge(story: Callable[[Judge], Awaitable[None]], deadline_s: float = 20.0) -> None:
    async def told() -> None:
        judge = Judge(deadline_s)
        try:
            await story(judge)
        finally:
            await judge.aclose()

    asyncio.run(told())


def an_answer(text: str) -> Answer:
    return Answer(whole={"choices": [{"index": 0, "message": {"content": text}}]}, usage=None, model="m")


def test_a_schema_that_refers_to_itself_is_judged_by_the_worker() -> None:
    async def story(judge: Judge) -> None:
        contract = OutputContract(schema=check_schema(TREE))
        good = await judge.shape(an_answer('```\n{"name":"a","kids":[{"name":"b"}]}\n```'), contract)
        assert isinstance(good, Answer)
        assert good.fields["choices"][0]["message"]["content"] == '{"name":"a","kids":[{"name":"b"}]}'
        bad = await judge.shape(an_answer('{"name":"a","kids":[{}]}'), contract)
        assert str(bad) == "$.kids[0]: 'name' is a required property"
        assert isinstance(await judge.shape(an_answer("no JSON"), contract), Mismatch)

    with_judge(story)


def test_a_simple_schema_needs_no_worker() -> None:
    async def story(judge: Judge) -> None:
        contract = OutputContract(schema=check_schema({"type": "array"}))
        assert isinstance(await judge.shape(an_answer("[]"), contract), Answer)
        assert isinstance(await judge.shape(an_answer("{}"), contract), Mismatch)
        assert await judge.rule({"type": "array"}, [[]], [2]) is None
        assert judge._worker is None

    with_judge(story)


def test_b14_a_schema_that_would_take_for_ever_is_cut_off_while_the_loop_runs_on() -> None:
    async def story(judge: Judge) -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.005)
                ticks += 1

        ticking = asyncio.create_task(tick())
        mismatch = await judge.rule(check_schema(HOSTILE), [nested(60)], [120])
        ticking.cancel()
        assert str(mismatch) == "$: not checked within 0.3 s"
        assert ticks > 5
        assert judge._worker is None

    with_judge(story, deadline_s=0.3)


def test_after_a_worker_was_killed_the_next_one_works() -> None:
    async def story(judge: Judge) -> None:
        contract = OutputContract(schema=check_schema(TREE))
        assert isinstance(await judge.shape(an_answer('{"name":"a"}'), contract), Answer)
        worker = judge._worker
        assert worker is not None
        worker.kill()
        await worker.wait()
        assert isinstance(await judge.shape(an_answer('{"name":"a"}'), contract), Answer)

    with_judge(story)


def test_whoever_leaves_in_the_middle_leaves_no_ruling_behind() -> None:
    async def story(judge: Judge) -> None:
        leaving = asyncio.create_task(judge.rule(check_schema(HOSTILE), [nested(60)], [120]))
        while judge._worker is None:
            await asyncio.sleep(0.001)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert str(await judge.rule(check_schema(TREE), [{}], [2])) == "$: 'name' is a required property"

    with_judge(story)


@pytest.mark.parametrize(
    ("schema", "values", "sizes", "cheap"),
    [
        ({"type": "array"}, [[1, 2]], [5], True),
        (TREE, [{}], [2], False),
        ({"items": {"unevaluatedProperties": False}}, [[]], [2], False),
        ({"items": {"enum": list(range(1000))}}, [[1, 2]], [5], False),
        ({"items": {}}, [list(range(3000))], [9000], False),
        ({"pattern": "a"}, ["a" * 10], [12], True),
        ({"anyOf": [{"pattern": "a"}] * 9}, ["a" * 30_000], [30_000], False),
        ({}, ["a" * 300_000], [300_000], False),
    ],
)
def test_what_is_cheap_is_known_beforehand(schema: Any, values: list[Any], sizes: list[int], cheap: bool) -> None:
    assert is_cheap(Shaped(NONE, tuple(values), tuple(sizes)), check_schema(schema)) is cheap


def test_values_are_counted() -> None:
    assert count_values({"a": [1, 2, {"b": 3}]}, 100) == 6
    assert count_values(list(range(1000)), 10) == 11
