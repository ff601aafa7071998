"""All of `/admin/v1`, behind one guard."""

from litestar import Router

from gateway.web.admin.canary import canary, promote, rollback
from gateway.web.admin.guard import admin_only
from gateway.web.admin.listings import arms, keys, models, providers, routes
from gateway.web.admin.overrides import delete_ladder, disable, enable, put_ladder, read_ladder
from gateway.web.admin.records import audit_rows, requests, usage
from gateway.web.admin.status import history, reload, status

ADMIN = Router(
    path="/admin/v1",
    guards=[admin_only],
    route_handlers=[
        status,
        reload,
        history,
        canary,
        promote,
        rollback,
        read_ladder,
        put_ladder,
        delete_ladder,
        providers,
        models,
        keys,
        routes,
        arms,
        enable,
        disable,
        usage,
        requests,
        audit_rows,
    ],
)
