"""The API described for machines: every route, what it takes, and every status it may answer with."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from litestar import Litestar
from litestar.routes import HTTPRoute

from gateway import __version__
from gateway.web.errors import STATUS
from gateway.web.hot import Endpoint
from gateway.web.once import REPLAYED
from gateway.web.understand_chat import ChatBody
from gateway.web.understand_completions import CompletionsBody
from gateway.web.understand_embeddings import EmbeddingsBody
from gateway.web.understand_messages import MessagesBody
from gateway.web.understand_responses import ResponsesBody

Document = dict[str, Any]

ERROR: Document = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["type", "message", "code"],
            "properties": {
                "type": {"type": "string"},
                "message": {"type": "string"},
                "code": {"type": ["string", "null"]},
                "param": {"type": ["string", "null"]},
                "provider": {"type": "string"},
                "attempts": {"type": "array", "items": {"type": "object"}},
            },
        },
        "provider": {"type": "string"},
    },
}
POLICY_ERROR: Document = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}, "code": {"type": "string"}, "request_id": {"type": "string"}},
}
ENVELOPE: Document = {
    "type": "object",
    "required": ["request"],
    "properties": {
        "request": {
            "type": "object",
            "required": ["messages"],
            "properties": {
                "messages": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Message"}},
                "model_hint": {"type": "string"},
                "estimated_input_tokens": {"type": "integer", "minimum": 0},
                "parameters": {"type": "object"},
                "stream": {"type": "boolean"},
                "meta": {"type": "object"},
                "output_schema": {"type": ["object", "boolean", "string"]},
            },
        },
        "capabilities": {"type": "object"},
        "policy": {
            "type": "object",
            "properties": {
                "mode": {"type": "string"},
                "max_budget_usd": {"type": "number", "minimum": 0, "maximum": 100},
                "max_latency_ms": {"type": "number", "minimum": 0, "maximum": 300000},
                "min_weight": {"type": "number", "minimum": 0, "maximum": 10},
            },
        },
        "output_format": {
            "type": "object",
            "properties": {
                "type": {"enum": ["json", "markdown", "text", "xml"]},
                "schema": {"type": ["string", "object"]},
                "max_tokens": {"type": "integer", "minimum": 1},
                "strip_think": {"type": "boolean"},
            },
        },
    },
}
MESSAGES_ERROR: Document = {
    "type": "object",
    "required": ["type", "error", "request_id"],
    "properties": {
        "type": {"const": "error"},
        "error": {
            "type": "object",
            "required": ["type", "message"],
            "properties": {"type": {"type": "string"}, "message": {"type": "string"}, "code": {"type": "string"}},
        },
        "request_id": {"type": "string"},
    },
}
ERRORS: Mapping[str, str] = {
    "chat": "PolicyError",
    "messages": "MessagesError",
    "messages.count_tokens": "MessagesError",
}
ANSWERS: Mapping[str, str] = {
    "chat.completions": "A chat completion, or a stream of its chunks.",
    "completions": "A text completion, or a stream of its chunks.",
    "embeddings": "A list of embeddings.",
    "chat": "The envelope around a chat completion, or a stream of its chunks.",
    "messages": "A Message in Anthropic's words, or a stream of its events.",
    "messages.count_tokens": "About how many tokens a Messages request holds; no provider is called.",
    "responses": "A Response, or a stream of its events; nothing is stored.",
}
BODIES: Mapping[str, str] = {
    "chat.completions": "ChatBody",
    "completions": "CompletionsBody",
    "embeddings": "EmbeddingsBody",
    "chat": "Envelope",
    "messages": "MessagesBody",
    "messages.count_tokens": "MessagesBody",
    "responses": "ResponsesBody",
}
ROUTED = ("chat.completions", "completions", "embeddings", "messages", "responses")
HEADERS = (
    (
        "X-Inferoute-Strategy",
        "cost, latency, availability or round-robin",
        ROUTED,
    ),
    (
        "X-Inferoute-Fallback",
        "models to try in order, separated by commas",
        ROUTED,
    ),
    ("Idempotency-Key", "the same key and body is answered once", tuple(sorted(REPLAYED))),
    ("X-TokenHub-Trace", "`1` adds how the decision was made", ("chat",)),
)
SPAN = {"from": "first day or moment (ISO 8601, or Unix seconds)", "to": "the day or moment after the last"}
NAMED = {"key": "name of a key", "model": "name of a model", "provider": "name of a provider"}
PAGE = {"limit": "rows of a page, 1 to 1000", "before": "`next` of the page before", "format": "json or csv"}
QUERIES: Mapping[str, Mapping[str, str]] = {
    "/admin/v1/usage": {"group_by": "key, model, provider, day"} | SPAN | NAMED | {"format": "json or csv"},
    "/admin/v1/requests": SPAN | NAMED | {"outcome": "settled, released or unknown"} | PAGE,
    "/admin/v1/audit": SPAN | {"what": "kind of change"} | PAGE,
}
PUBLIC = ("/healthz", "/readyz", "/metrics", "/schema")
REFUSALS = ("400", "401", "403", "404", "408", "409", "413", "415", "422", "429", "402", "431", "500", "502", "503")


def openapi(app: Litestar, hot: Mapping[str, Endpoint]) -> Document:
    """OpenAPI 3.1, complete with the routes that Litestar does not look into."""
    paths: Document = {path: {"post": hot_operation(endpoint)} for path, endpoint in hot.items()}
    paths["/v1/explain"] = {"post": explain_operation(hot)}
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            paths[openapi_path(route)] = dict(ordinary_operations(route))
    bodies, components = msgspec.json.schema_components(
        [ChatBody, CompletionsBody, EmbeddingsBody, MessagesBody, ResponsesBody],
        ref_template="#/components/schemas/{name}",
    )
    del bodies
    return {
        "openapi": "3.1.0",
        "info": {"title": "tokenhub", "version": __version__, "description": "A gateway to language models."},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": components
            | {"Error": ERROR, "PolicyError": POLICY_ERROR, "Envelope": ENVELOPE}
            | {"MessagesError": MESSAGES_ERROR},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    }


def hot_operation(endpoint: Endpoint) -> Document:
    error = ERRORS.get(endpoint.name, "Error")
    return {
        "operationId": endpoint.name,
        "summary": ANSWERS.get(endpoint.name, endpoint.name),
        "parameters": [
            {"name": name, "in": "header", "required": False, "description": told, "schema": {"type": "string"}}
            for name, told, names in HEADERS
            if endpoint.name in names
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref(BODIES.get(endpoint.name, "Envelope"))}},
        },
        "responses": {
            "200": {
                "description": ANSWERS.get(endpoint.name, "The answer."),
                "content": {
                    "application/json": {"schema": {"type": "object"}},
                    "text/event-stream": {"schema": {"type": "string"}},
                },
            }
        }
        | refusals(error),
    }


def explain_operation(hot: Mapping[str, Endpoint]) -> Document:
    """Takes the body of any call."""
    names = sorted(endpoint.name for endpoint in hot.values())
    which = {"type": "string", "enum": names}
    return {
        "operationId": "explain",
        "summary": "The decision that would be made about a call now; nothing is sent, counted or taken.",
        "parameters": [
            {"name": "endpoint", "in": "query", "required": False, "description": "Whose body it is.", "schema": which}
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {
            "200": {
                "description": "The decision, with all its reasons.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            }
        }
        | refusals("Error"),
    }


def ordinary_operations(route: HTTPRoute) -> Iterable[tuple[str, Document]]:
    public = route.path in PUBLIC
    for handler in route.route_handlers:
        for method in sorted(handler.http_methods - {"OPTIONS"}):
            operation: Document = {
                "operationId": f"{handler.handler_name}.{method.lower()}",
                "summary": (handler.fn.__doc__ or "").strip().split("\n")[0],
                "parameters": [
                    {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                    for name in route.path_parameters
                ]
                + [
                    {"name": name, "in": "query", "required": False, "description": told, "schema": {"type": "string"}}
                    for name, told in QUERIES.get(route.path, {}).items()
                ],
                "responses": {"200": {"description": "The answer.", "content": _anything()}}
                | refusals("Error", ("400", "401", "403", "404", "405", "409", "422", "429", "431", "503")),
            }
            if public:
                operation["security"] = []
            yield method.lower(), operation


def openapi_path(route: HTTPRoute) -> str:
    path = route.path_format
    return path if path.startswith("/") else f"/{path}"


def refusals(error: str, statuses: Iterable[str] = REFUSALS) -> Document:
    told = {str(status): kind for status, kind in STATUS.values()}
    return {
        status: {
            "description": told.get(status, "A refusal."),
            "content": {"application/json": {"schema": _ref(error)}},
        }
        for status in statuses
    }


def _anything() -> Document:
    return {"application/json": {}, "text/plain": {}, "text/csv": {}}


def _ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}
