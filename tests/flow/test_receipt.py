"""What a request comes to: all that was used is charged, whatever kind of tokens it was."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, fields

from gateway.domain.answer import Usage
from gateway.flow.receipt import added

tokens = st.integers(0, 10**6)
usages = st.builds(Usage, **{field.name: tokens for field in fields(Usage) if field.name != "estimated"})


@settings(max_examples=50, deadline=None)
@given(usages, usages)
def test_no_kind_of_tokens_is_forgotten_or_counted_twice(one: Usage, other: Usage) -> None:
    assert one.total() == sum(amount for name, amount in asdict(one).items() if name != "estimated")
    assert one.total() == one.prompt_tokens + one.completion_tokens
    assert added(one, other).total() == one.total() + other.total()
