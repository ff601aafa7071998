"""The kinds of the Prometheus operator, as strictly as our examples use them."""

from typing import Any

TEXTS: dict[str, Any] = {"type": "object", "additionalProperties": {"type": "string"}}
DURATION = {"type": "string", "pattern": r"^(0|([0-9]+h)?([0-9]+m)?([0-9]+s)?)$", "minLength": 1}


def kind(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return closed(
        {
            "apiVersion": {"const": "monitoring.coreos.com/v1"},
            "kind": {"const": name},
            "metadata": closed(
                {"name": {"type": "string"}, "namespace": {"type": "string"}, "labels": TEXTS}, ["name"]
            ),
            "spec": spec,
        }
    )


def closed(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    """No other keys; all of these, unless some are named."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


SCHEMAS: dict[str, dict[str, Any]] = {
    "ServiceMonitor": kind(
        "ServiceMonitor",
        closed(
            {
                "selector": closed({"matchLabels": TEXTS}),
                "endpoints": {
                    "type": "array",
                    "minItems": 1,
                    "items": closed(
                        {
                            "port": {"type": "string"},
                            "path": {"type": "string", "pattern": "^/"},
                            "interval": DURATION,
                            "scrapeTimeout": DURATION,
                        }
                    ),
                },
            }
        ),
    ),
    "PrometheusRule": kind(
        "PrometheusRule",
        closed(
            {
                "groups": {
                    "type": "array",
                    "minItems": 1,
                    "items": closed(
                        {
                            "name": {"type": "string", "minLength": 1},
                            "rules": {
                                "type": "array",
                                "minItems": 1,
                                "items": closed(
                                    {
                                        "alert": {"type": "string", "pattern": "^[A-Z][A-Za-z]+$"},
                                        "expr": {"type": "string", "minLength": 1},
                                        "for": DURATION,
                                        "labels": closed({"severity": {"enum": ["info", "warning", "critical"]}}),
                                        "annotations": closed(
                                            {"summary": {"type": "string"}, "description": {"type": "string"}},
                                            ["summary"],
                                        ),
                                    },
                                    ["alert", "expr", "labels", "annotations"],
                                ),
                            },
                        }
                    ),
                }
            }
        ),
    ),
}
