"""What OpenAI and the hosts that speak like it mean by their errors."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.dialects.base import Seal
from gateway.dialects.registry import dialect_of
from gateway.domain.answer import Answer
from gateway.domain.call import Reply
from gateway.domain.trail import Failure
from tests.builders import an_ask

OPENAI = dialect_of("openai")
SEAL = Seal(id="chatcmpl-th-x", created=1, provider="openai", model="m")


def error(message: str = "No.", **more: Any) -> bytes:
    return msgspec.json.encode({"error": {"message": message, **more}})


LONG = "This model's maximum context length is 8192 tokens."
OVERFLOW = ("context_overflow", "context_length_exceeded", "nobody")
CALLERS = ("bad_request", "invalid_request", "nobody")
FILTERED = ("bad_request", "content_filter", "nobody")
AUTH = ("refused", "upstream_auth", "provider")
MONEY = ("refused", "upstream_billing", "provider")
NO_MODEL = ("refused", "upstream_model_not_found", "offer")
LIMITED = ("rate_limited", "provider_rate_limited", "offer")
BROKEN = ("transient", "upstream_error", "offer")
SLOW = ("transient", "upstream_timeout", "offer")
BUSY = ("transient", "upstream_overloaded", "offer")
STRANGE = ("garbled", "malformed_response", "offer")
REFUSALS = [
    ("S01", 400, error(type="invalid_request_error"), *CALLERS),
    ("S01-code", 400, error(code="unsupported_parameter", param="n"), "bad_request", "unsupported_parameter", "nobody"),
    ("S01-fastapi", 400, b'{"detail":[{"loc":["body","n"],"msg":"bad"}]}', *CALLERS),
    ("S02", 400, error(LONG, code="context_length_exceeded"), *OVERFLOW),
    ("S02-text", 400, error(LONG), *OVERFLOW),
    ("S02-413", 413, b"", *OVERFLOW),
    ("S02-llamacpp", 400, error(type="exceed_context_size_error", code=400), *OVERFLOW),
    ("S02-groq-tpm", 413, error("Request too large", code="rate_limit_exceeded"), *LIMITED),
    ("S03", 400, error(code="content_filter"), *FILTERED),
    ("S03-azure", 400, error(innererror={"code": "ResponsibleAIPolicyViolation"}), *FILTERED),
    ("S03-openrouter", 403, error(code=403, metadata={"flagged_input": "x"}), *FILTERED),
    ("S04", 401, error(code="invalid_api_key", type="invalid_request_error"), *AUTH),
    ("S04-403", 403, error("no"), *AUTH),
    ("S04-xai", 400, error("Incorrect API key provided: xai-AAAA."), *AUTH),
    ("S04-html", 401, b"<html>401</html>", *AUTH),
    ("S05", 402, error("Insufficient Balance", type="unknown_error"), *MONEY),
    ("S06", 404, error(code="model_not_found"), *NO_MODEL),
    ("S06-plain", 404, b"404 page not found", *NO_MODEL),
    ("S06-groq", 400, error(code="model_decommissioned"), *NO_MODEL),
    ("S06-access", 403, error(code="model_not_found"), *NO_MODEL),
    ("S06-azure", 404, error(code="DeploymentNotFound"), *NO_MODEL),
    ("S07", 422, error(), *CALLERS),
    ("S08", 408, b"", *SLOW),
    ("S09", 409, error(), "transient", "upstream_error", "nobody"),
    ("S10", 429, error(code="rate_limit_exceeded"), *LIMITED),
    ("S10-words", 429, error("context length limited"), *LIMITED),
    ("S11", 429, error(code="insufficient_quota", type="insufficient_quota"), *MONEY),
    ("S11-credit", 429, error(code="credit_balance_exhausted"), *MONEY),
    ("S11-spend", 429, error(type="enforced_spend_limit_reached"), *MONEY),
    ("S11-moonshot", 429, error(type="exceeded_current_quota_error"), *MONEY),
    ("S11-anthropic", 400, error("Your credit balance is too low"), *MONEY),
    ("S12", 503, error(code="slow_down"), *LIMITED),
    ("S14", 500, error(type="server_error"), *BROKEN),
    ("S15-502", 502, b"<html>Bad gateway</html>", *BROKEN),
    ("S15-504", 504, b"", *SLOW),
    ("S15-520", 520, b"<html>", *BROKEN),
    ("S15-524", 524, b"<html>", *SLOW),
    ("S16", 529, error(type="overloaded_error"), *BUSY),
    ("S16-503", 503, error(code="server_is_overloaded"), *BUSY),
    ("S16-moonshot", 429, error(type="engine_overloaded_error"), *BUSY),
    ("S18", 204, b"", *STRANGE),
    ("S18-205", 205, b"", *STRANGE),
    ("S20-0", 0, b"", *STRANGE),
    ("S20-600", 600, b"", *STRANGE),
    ("S20-999", 999, b"", *STRANGE),
    ("redirect", 302, b"", "garbled", "upstream_redirect", "offer"),
    ("odd-418", 418, b"", "refused", "upstream_error", "offer"),
]


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "blame"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_a_refusal_is_judged(status: int, body: bytes, kind: str, code: str, blame: str) -> None:
    failure = OPENAI.answer(an_ask(), Reply(status=status, headers=(), body=body), SEAL)
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.code, failure.blame, failure.status) == (kind, code, blame, status)


def test_s11_money_and_keys_rest_long_and_are_not_tried_again() -> None:
    for status, body in ((402, b""), (401, b""), (429, error(code="insufficient_quota"))):
        failure = OPENAI.refusal(status, (), body)
        assert failure.cooldown_s is not None
        assert failure.cooldown_s >= 300
        assert not failure.same_offer


def test_s10_the_providers_wait_is_kept_where_waiting_helps() -> None:
    headers = (("retry-after", "9"),)
    assert OPENAI.refusal(429, headers, error()).retry_after_s == 9.0
    assert OPENAI.refusal(503, headers, b"").retry_after_s == 9.0
    assert OPENAI.refusal(400, headers, error()).retry_after_s is None


HIDDEN = [
    ({"error": {"message": "Upstream failed", "code": 502}}, "transient"),
    ({"error": {"message": "Rate limited", "code": 429}}, "rate_limited"),
    ({"error": {"message": "No credits", "code": "402"}}, "refused"),
    ({"object": "error", "message": LONG, "type": "BadRequestError", "code": 400}, "context_overflow"),
    ({"object": "error", "message": "oops", "type": "InternalServerError", "code": 500}, "transient"),
    ({"error": "model is loading"}, "transient"),
    ({"error": {"message": "who are you", "type": "authentication_error"}}, "refused"),
    ({"error": {"message": "x", "type": "overloaded_error"}}, "transient"),
    ({"error": {"message": "x", "type": "rate_limit_exceeded"}}, "rate_limited"),
]


@pytest.mark.parametrize(("body", "kind"), HIDDEN)
def test_s19_an_error_inside_a_200_counts_as_what_it_says(body: dict[str, Any], kind: str) -> None:
    whole = OPENAI.answer(an_ask(), Reply(status=200, headers=(), body=msgspec.json.encode(body)), SEAL)
    reader = OPENAI.reader(an_ask(stream=True), SEAL)
    streamed = reader.feed(b"data: " + msgspec.json.encode(body) + b"\n\n")
    assert isinstance(whole, Failure)
    assert whole.kind == kind
    assert streamed == [whole]


def test_s24_only_the_message_of_a_json_error_is_shown_and_never_much_of_it() -> None:
    assert OPENAI.refusal(500, (), b"<html>stack trace at /srv/app.py</html>").message.startswith("The provider")
    assert OPENAI.refusal(500, (), b"\xff\xfe\x00" * 1000).message.startswith("The provider")
    assert len(OPENAI.refusal(500, (), error("x y " * 10_000)).message) <= 300
    assert OPENAI.refusal(500, (), error("x" * 100_000)).message.startswith("The provider")
    assert OPENAI.refusal(400, (), b'{"detail":[{"loc":["body","temperature"],"msg":"too hot"}]}').message == (
        "temperature: too hot"
    )


@settings(max_examples=100, deadline=None)
@given(status=st.integers(0, 999), body=st.binary(max_size=300))
def test_any_bytes_with_any_status_are_a_value(status: int, body: bytes) -> None:
    result = OPENAI.answer(an_ask(), Reply(status=status, headers=(), body=body), SEAL)
    assert isinstance(result, Failure | Answer)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "error",
                    "message",
                    "code",
                    "type",
                    "detail",
                    "choices",
                    "delta",
                    "content",
                    "usage",
                    "object",
                    "index",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(
    status=st.sampled_from([200, 400, 429, 500]),
    value=JSON,
    endpoint=st.sampled_from(["chat", "completions", "embeddings"]),
)
def test_any_json_is_a_value_whole_and_streamed(status: int, value: Any, endpoint: str) -> None:
    ask = an_ask(endpoint=endpoint, payload={"model": "m", "messages": [], "prompt": "p", "input": "i"})
    body = msgspec.json.encode(value)
    assert isinstance(OPENAI.answer(ask, Reply(status=status, headers=(), body=body), SEAL), Failure | Answer)
    reader = OPENAI.reader(ask, SEAL)
    said = reader.feed(b"data: " + body + b"\n\n") + reader.end()
    assert isinstance(said[-1], Failure) or reader.finished
