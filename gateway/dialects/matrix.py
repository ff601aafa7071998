"""Print docs/providers.md: which feature each dialect and each host can express, and which options it knows."""

from collections.abc import Iterable

from gateway.dialects.base import FEATURES, Support
from gateway.dialects.registry import SPEAKERS
from gateway.domain.dialect_facts import DIALECTS, QUIRKS, DialectFacts

MARKS: dict[Support, str] = {"yes": "yes", "translated": "translated", "refused": "–"}

INTRODUCTION = """# Providers

Every provider is called in its own dialect and answers the caller in OpenAI's words. This page is printed from the
dialects themselves; a test refuses drift (`pytest tests/dialects/test_matrix.py --update-golden` prints it anew).

**yes** the provider knows OpenAI's own field · **translated** the gateway says it in the provider's words · **–** the
provider cannot express it: the request is refused with 422 naming the field and the provider, or the field is left out
and named in `X-TokenHub-Dropped` where the configuration says `unsupported_parameters: drop`. Whether a *model* can do
a thing is said by its `capabilities`. How each vendor is configured: [dialects.md](dialects.md).
"""

QUIRK_NOTES = """A host that speaks OpenAI's dialect and has no row here needs YAML only: `dialect: openai`, its
`base_url`, and, where it differs, quirks under `options:` (lists are separated by commas):

- `max_tokens_field`: the one name it knows for the bound on output, `max_tokens` or `max_completion_tokens`
- `refuse_fields`: fields it cannot express; `field=value` for one value or `type`, as in `response_format=json_schema`
- `drop_fields`, `drop_message_fields` (in messages and their tool calls): fields that change no answer and that it does
  not accept
- `rename_fields`: `seed:random_seed` for a field it calls otherwise
- `stream_options: "false"`: it does not know `stream_options.include_usage`
- `embedding_formats`: `float`, `base64` or both; the gateway converts
- `developer_role: "false"`: the role `developer` becomes `system`
- `cache_markers: "false"`: `cache_control` is left out
"""


def providers_page() -> str:
    """The whole page."""
    own = [name for name, facts in DIALECTS.items() if name == facts.speaks]
    hosts = [name for name, facts in DIALECTS.items() if name != facts.speaks]
    parts = [
        INTRODUCTION,
        "## Dialects\n",
        _features(own),
        "## Hosts that speak OpenAI's dialect\n",
        _features(hosts),
        "## Addresses and options\n",
        _facts(DIALECTS.items()),
        QUIRK_NOTES,
    ]
    return "\n".join(parts)


def _features(names: list[str]) -> str:
    support = [SPEAKERS[DIALECTS[name].speaks].support_of(name) for name in names]
    rows = [
        [title, *(MARKS[spoken.get(feature, "refused")] for spoken in support)] for feature, title in FEATURES.items()
    ]
    return _table(["Feature", *(f"`{name}`" for name in names)], rows)


def _facts(dialects: Iterable[tuple[str, DialectFacts]]) -> str:
    rows = [
        [
            f"`{name}`",
            f"`{facts.base_url}`" if facts.base_url else "must be given",
            "yes" if facts.needs_key else "no",
            _options(facts),
        ]
        for name, facts in dialects
    ]
    return _table(["Dialect", "Default `base_url`", "Needs a key", "`options`"], rows)


def _options(facts: DialectFacts) -> str:
    own = [f"`{option}`" for option in facts.options if option not in QUIRKS]
    return ", ".join(own + (["quirks"] if set(QUIRKS) <= set(facts.options) else [])) or "–"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
