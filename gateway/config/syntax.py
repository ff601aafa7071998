# ruff: noqa: E501 (a table)
"""What the YAML parser says, in words that help."""

import yaml

from gateway.config.findings import Findings
from gateway.config.tree import Source, Spot


def explain_syntax(source: Source, error: yaml.MarkedYAMLError, findings: Findings) -> None:
    """Report what stopped the parser, where it stopped."""
    said = f"{error.problem or ''} | {error.context or ''}"
    noticed, began = error.problem_mark, error.context_mark
    late = began and noticed and noticed.line > began.line and any(sign in said for sign in _SHOWN_WHERE_IT_BEGAN)
    mark = began if late else noticed or began
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    if line > len(source.lines()):
        line, column = len(source.lines()), len(source.lines()[-1]) + 1
    text = source.line(line)
    code = "TH1104" if "single document" in said else "TH1101"
    if column <= len(text) and text[column - 1] == "\t":
        findings.add("TH1102", Spot(source, line, column, 1), "a tab; YAML indents with blanks", "replace it by blanks")
        return
    message, hint = next(((m, h) for sign, m, h in _SYNTAX if sign in said), (f"not YAML: {error.problem}", None))
    if late:
        message += f" (noticed in line {noticed.line + 1})" if noticed else ""
    findings.add(code, Spot(source, line, column, 1), message, hint)


_SHOWN_WHERE_IT_BEGAN = ("',' or ']'", "',' or '}'", "while scanning a quoted scalar", "expected ':'", "a directive")
"""Noticed late: the bracket or quote that was opened says more than the place where the parser gave up."""

_SYNTAX: tuple[tuple[str, str, str | None], ...] = (
    ("cannot start any token", "this character cannot stand here", "quote the value if it begins with `@`, `` ` ``, `%` or a tab; YAML indents with blanks"),
    ("tab character", "YAML indents with blanks, not with tabs", "replace the tab by blanks"),
    ("expected a single document", "a second document begins here; a file holds one", "remove the `---`, or split the file and `include:` the parts"),
    ("mapping values are not allowed", "a `:` cannot stand here", "quote the value if it contains `: `; or the line above lacks its `:`, or the indentation is wrong"),
    ("could not find expected ':'", "a key without `:`", "write `key: value`, and check the line above"),
    ("did not find expected key", "a key was expected here", "check the indentation, and brackets that are not closed"),
    ("did not find expected '-' indicator", "a `-` was expected here", "items of one list stand in one column"),
    ("did not find expected ',' or ']'", "a list is not closed", "a `]` or `,` is missing, here or above"),
    ("did not find expected ',' or '}'", "a map is not closed", "a `}` or `,` is missing, here or above"),
    ("found unexpected end of stream", "the file ends in the middle of a quoted text", "a closing quote is missing"),
    ("found unexpected document indicator", "the document ends in the middle of a quoted text", "a closing quote is missing"),
    ("undefined alias", "this alias has no anchor", "an alias `*name` needs an anchor `&name` before it; quote text that begins with `*`"),
    ("duplicate anchor", "this anchor is set twice", "give it another name"),
    ("found unknown escape character", "an unknown escape in a double-quoted text", "write `\\\\` for a backslash, or use single quotes"),
    ("while scanning a simple key", "a key without `:`", "write `key: value`"),
    ("did not find expected whitespace or line break", "a blank is missing here", None),
    ("did not find URI escape", "this tag is malformed", "remove it"),
    ("undefined tag handle", "tags are not allowed", "remove it, or quote text that begins with `!`"),
    ("found character that cannot start", "this character cannot stand here", "quote the value"),
    ("block sequence entries are not allowed", "a list cannot begin here", "begin it on a line of its own"),
    ("did not find expected alphabetic or numeric", "a name is missing after `&` or `*`", "quote text that begins with `&` or `*`"),
    ("did not find expected comment or line break", "nothing may follow here", None),
    ("did not find expected <document start>", "the document has ended here, and something follows it", "check the indentation of this line"),
    ("did not find expected node content", "a value was expected here", None),
    ("found incompatible YAML document", "only YAML 1.2 is read", "remove the `%YAML` line"),
    ("unknown directive", "only YAML 1.2 is read", "remove the `%` line, or quote the value"),
)  # fmt: skip
