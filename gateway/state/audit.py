"""One audit row for every change: who, what, when, from where, and how it was before and after."""

from typing import Any

from gateway.state.ledger.record import AuditRow, json_text, plain
from gateway.ulid import new_ulid

VALUE_CHARS = 8192


def audited(
    what: str, subject: str, *, who: str, where: str, unix: float, before: Any = None, after: Any = None
) -> AuditRow:
    """`who` is the name of a key or `admin-token`, never a secret; `before` and `after` hold none either."""
    return AuditRow(
        id=new_ulid(unix),
        unix=unix,
        who=plain(who),
        what=plain(what),
        subject=plain(subject),
        where=plain(where),
        before=json_text(before, VALUE_CHARS),
        after=json_text(after, VALUE_CHARS),
    )
