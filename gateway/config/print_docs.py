"""Print the pages of the manual that are made from the language and from the table of problems."""

from collections.abc import Iterator
from types import MappingProxyType

import msgspec

from gateway.config.codes import CODES
from gateway.config.docs import about, about_fields
from gateway.config.forms import Chart, Either, Field, Form, Record, Series, Text, form_of
from gateway.config.say import say
from gateway.config.shape import Declaration

_MADE = "<!-- Printed by `python -m gateway.config.printed`; change the code, not this page. -->\n"

_GROUPS = (
    ("TH10", "Files"),
    ("TH11", "YAML"),
    ("TH12", "Includes"),
    ("TH13", "References and secrets"),
    ("TH14", "Keys and values"),
    ("TH20", "Names that lead nowhere"),
    ("TH21", "Names and chains that contradict"),
    ("TH22", "Models, offers, prices"),
    ("TH23", "Providers"),
    ("TH24", "Keys of callers"),
    ("TH25", "The process"),
    ("TH26", "Reloads"),
    ("TH27", "Tests and policies"),
    ("TH28", "The price lock"),
)


_ABOUT_PROBLEMS = """What `tokenhub validate-config` can find, by code. Codes are stable. An error keeps a gateway from
starting and a reload from happening; a warning does not (with `--strict` it fails `validate-config`).
"""


def problems_page() -> str:
    """`docs/problems.md`."""
    return "\n".join(
        [
            _MADE,
            "# Problems\n",
            _ABOUT_PROBLEMS,
            *(line for start, title in _GROUPS for line in _group(start, title)),
        ]
    )


def _group(start: str, title: str) -> Iterator[str]:
    yield f"## {title}\n"
    for code in CODES.values():
        if code.code.startswith(start):
            mark = " (warning)" if code.severity == "warning" else ""
            yield f"### {code.code}: {code.title}{mark}\n"
            yield f"{code.why}\n"
            if code.example:
                yield f"```text\n{code.example}\n```\n"


def configuration_page() -> str:
    """`docs/configuration.md`."""
    sections: list[Record] = []
    _collect(form_of(Declaration), sections)
    return "\n".join([_MADE, _INTRODUCTION, *(line for section in sections for line in _section(section))])


_INTRODUCTION = """# Configuration

One YAML file, and those it includes. Every key is listed here; an unknown one is an error. Editors complete and check
a file that begins with `# yaml-language-server: $schema=…/tokenhub.schema.json` (`tokenhub schema` prints it).

- **YAML 1.2**: `no`, `on` and `12:30` are text, `1_000` is text, `012` is twelve. No tags, no merge keys, no second
  document; keys are text and stand once in a map.
- **Durations** are `250ms`, `30s`, `10m`, `6h`, `90d`; **sizes** `512KiB`, `10MiB`; **prices** USD per million tokens;
  **dates** `2027-06-30`, and days begin at midnight UTC.
- **References** `${env:NAME}`, `${env:NAME:-default}` and `${file:/path}` may stand in free text, alone or within it.
  They are looked up at load; a missing or empty one is an error. There is no other templating.
- **Includes**: `include:` lists files or patterns, relative to the including file (or shipped with the package, such
  as `catalog/openai.yaml`). Maps merge deeply, lists and scalars replace; `keys`, `policies` and `tests` of several
  files are joined. The including file wins over what it includes. Two included files that set the same value are an
  error, unless the later one is listed under `overlay:`.
"""


def _collect(form: Form, sections: list[Record]) -> None:
    """In the order in which they are met, the outer before the inner."""
    match form:
        case Record():
            if form not in sections:
                sections.append(form)
                for field in form.fields.values():
                    _collect(field.form, sections)
        case Series():
            _collect(form.item, sections)
        case Chart():
            _collect(form.value, sections)
        case Either():
            for option in form.options:
                _collect(option, sections)
        case _:
            pass


_TITLES = MappingProxyType(
    {
        "Declaration": "The top level",
        "PlainAlias": "Alias of one model",
        "SplitAlias": "Alias of a split",
        "TierAlias": "Alias of a tier",
        "Share": "Part of a split",
        "PriceAbove": "Price of long prompts",
        "StructuredOutput": "Structured output",
        "Trial": "Test",
        "TrialAsk": "Ask of a test",
        "TrialMoment": "Moment of a test",
        "TrialExpect": "Expectation of a test",
        "TrialCase": "Case of a test",
    }
)


def _title(form: Record) -> str:
    return _TITLES.get(form.name, form.name)


def _section(form: Record) -> Iterator[str]:
    docs = about_fields(form.struct)
    yield f"## {_title(form)}\n"
    yield f"{about(form.struct)}\n"
    yield "| Key | Value | Default | Meaning |\n| --- | --- | --- | --- |"
    for name, field in form.fields.items():
        doc = docs[name]
        example = " For example " + ", ".join(f"`{one}`" for one in doc.examples) + "." if doc.examples else ""
        cells = (f"`{name}`", _value(field.form), _default(field), (doc.text + example).strip())
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""


def _value(form: Form) -> str:
    match form:
        case Record():
            return f"[{_title(form)}](#{_title(form).lower().replace(' ', '-')})"
        case Series():
            return f"list of {_value(form.item)}"
        case Chart():
            return f"map by name of {_value(form.value)}"
        case Either():
            return ", or ".join(map(_value, form.options))
        case Text() if form.word.references:
            return "text or reference" if not form.word.secret else "reference"
        case _:
            return say(form).removeprefix("a ").removeprefix("an ")


def _default(field: Field) -> str:
    if field.required:
        return "**required**"
    if field.default is None:
        return "–"
    plain = msgspec.to_builtins(field.default)
    if plain in ((), [], {}):
        return "–"
    return f"`{plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()}`"
