"""Every change leaves one row: who, what, when, from where, before and after."""

from typing import Any, cast

import msgspec
from litestar import Request

from gateway.flow.gateway import Gateway
from gateway.state.ledger.record import AuditRow, plain
from gateway.ulid import new_ulid
from gateway.web.admin.guard import WHO
from gateway.web.door import Scope
from gateway.web.introduction import peer_of


def audit(
    gateway: Gateway, request: Request[Any, Any, Any], what: str, subject: str, *, before: Any = None, after: Any = None
) -> None:
    unix = gateway.clock.unix()
    gateway.ledger.note(
        AuditRow(
            id=new_ulid(unix),
            unix=unix,
            who=str(request.scope[WHO]),  # type: ignore[literal-required]
            what=what,
            subject=plain(subject),
            where=peer_of(cast("Scope", request.scope)),
            before=_told(before),
            after=_told(after),
        )
    )


def _told(value: Any) -> str | None:
    return None if value is None else plain(msgspec.json.encode(value).decode(), 4096)
