"""Counts in disjoint buckets: those who count nothing apart are understood at once, and as everybody else."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.openai.usage import CompletionDetails, PromptDetails, Said, counted, counted_apart

COUNT = st.none() | st.integers(-1, 3) | st.just(1 << 30)
NOTHING = st.none() | st.just(0)
DETAILS = st.none() | st.builds(PromptDetails, cached_tokens=NOTHING, audio_tokens=NOTHING)
SPOKEN = st.none() | st.builds(CompletionDetails, reasoning_tokens=NOTHING, audio_tokens=NOTHING)
USAGES = st.builds(
    Said,
    prompt_tokens=st.integers(-1, 9) | st.just(1 << 30),
    completion_tokens=COUNT,
    total_tokens=COUNT,
    prompt_tokens_details=DETAILS | st.builds(PromptDetails, cached_tokens=COUNT, image_tokens=COUNT),
    completion_tokens_details=SPOKEN | st.builds(CompletionDetails, reasoning_tokens=COUNT, audio_tokens=COUNT),
    prompt_cache_hit_tokens=NOTHING | COUNT,
    cached_tokens=NOTHING | COUNT,
    reasoning_tokens=NOTHING | COUNT,
)


@given(USAGES)
@settings(max_examples=100, deadline=None)
def test_counts_come_to_the_same_however_they_are_understood(said: Said) -> None:
    assert counted(said) == counted_apart(said)
