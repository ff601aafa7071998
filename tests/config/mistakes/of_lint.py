# ruff: noqa: E501, ISC004 (a table)
"""What is well written and still a mistake: names that are never reached, chains that cannot do their job."""

_PRICE = "price: {input: 1, output: 2}"
_DEAR = "price: {input: 2, output: 4}"


def _model(name: str, said: str, provider: str = "p", price: str = _PRICE, calls: str = "chat") -> str:
    return f"  {name}: {{max_output_tokens: 9, capabilities: [{calls}]{said}, offers: [{{provider: {provider}, {price}}}]}}\n"


_EMBEDDERS = "models:\n" + _model("e", "", calls="embeddings") + _model("f", "", "q", calls="embeddings")
_MIXED = "models:\n" + _model("c", "") + _model("d", "", "q") + _model("e", "", calls="embeddings")
_KEY = f'keys: [{{name: k, digest: "sha256:{"1" * 64}"'
_SHARED = "{dialect: openai, api_key: '${env:SET}'}"

ROWS = (
    # rungs below their equals
    ("TH2113", "aliases: {a: m}\nwildcard_models: [m, n, §a]\n"),
    ("TH2113", "wildcard_models: [m, n, §q/n]\n"),
    ("TH2113", "aliases: {a: {tier: [m, n]}}\nwildcard_models: [a, §n]\n"),
    ("TH2113", "aliases: {a: {tier: [m, n, §b], ordered: true}, b: n}\n"),
    ("TH2113", "fallbacks: {m: [n, §q/n]}\n"),
    ("TH2113", "fallbacks: {m: [§p/m, n]}\n"),
    ("TH2113", "aliases: {a: {tier: [m, n]}}\nfallbacks: {a: [o, §n]}\n"),
    # shadowed names
    ("TH2114", "aliases: {'*': m}\n§wildcard_models: [m, n]\n"),
    ("TH2114", "aliases: {'*': {split: [{model: m, weight: 1}, {model: n, weight: 1}]}}\n§wildcard_models: [n, m]\n"),
    (
        "TH2115",
        f"models:\n  a: {{max_output_tokens: 9, offers: [{{provider: p, id: x, {_PRICE}}}]}}\n"
        f"  b: {{max_output_tokens: 9, offers: [{{provider: p, id: §x, {_PRICE}}}]}}\n",
    ),
    (
        "TH2115",
        f"models:\n  b: {{max_output_tokens: 9, offers: [{{provider: p, id: §x, {_PRICE}}}]}}\n"
        f"  a: {{max_output_tokens: 9, offers: [{{provider: q, {_PRICE}}}, {{provider: p, id: x, {_PRICE}}}]}}\n",
    ),
    # chains that fall as one
    ("TH2109", "§wildcard_models: [m, o]\n"),
    ("TH2109", "aliases: {a: {§tier: [m, o], ordered: true}}\n"),
    ("TH2109", "aliases: {a: o}\n§wildcard_models: [m, a]\n"),
    ("TH2109", f"providers: {{p: {_SHARED}, q: {_SHARED}}}\nfallbacks: {{§m: [n]}}\n"),
    ("TH2109", f"providers: {{p: {_SHARED}, q: {_SHARED}}}\n§wildcard_models: [n, o]\n"),
    (
        "TH2109",
        "providers:\n  p: {dialect: bedrock, options: {region: eu-west-1}}\n"
        "  q: {dialect: bedrock, options: {region: eu-west-1}}\nfallbacks:\n  §m: [n]\n",
    ),
    # fallbacks out of reach
    ("TH2116", "routing: {retries: {max_attempts: 1}}\nfallbacks: {§m: [n]}\n"),
    ("TH2116", "aliases: {a: {tier: [m, n]}}\nrouting: {retries: {max_attempts: 2}}\nfallbacks: {§a: [o]}\n"),
    ("TH2116", "aliases: {a: {tier: [m, n, o]}}\nfallbacks: {§a: [b]}\nmodels:\n" + _model("m", "")
     + _model("n", "", "q") + _model("o", "") + _model("b", "", "q")),
    # fallbacks that cannot carry the load
    ("TH2117", "models:\n" + _model("a", ", context_window: 1000") + _model("b", ", context_window: 499", "q")
     + "fallbacks: {§a: [b]}\n"),
    ("TH2117", "models:\n" + _model("a", ", context_window: 1000") + _model("b", ", context_window: 100", "q")
     + _model("c", ", context_window: 200", "q") + "fallbacks:\n  §a: [b, c]\n"),
    ("TH2117", "models:\n" + _model("a", "", calls="chat, vision") + _model("b", "", "q") + "fallbacks: {§a: [b]}\n"),
    ("TH2117", "models:\n" + _model("a", "", calls="chat, tools, json_schema")
     + _model("b", "", "q", calls="chat, tools") + "aliases: {s: a}\nfallbacks: {§s: [b]}\n"),
    # rungs dearer and weaker
    ("TH2118", "models:\n" + _model("a", ", weight: 8, context_window: 90")
     + _model("b", ", weight: 5, context_window: 90", "q", _DEAR) + "wildcard_models: [a, §b]\n"),
    ("TH2118", "models:\n" + _model("a", ", weight: 8, context_window: 90")
     + _model("b", ", weight: 8, context_window: 50", "q", _DEAR) + "wildcard_models: [a, §b]\n"),
    ("TH2118", "models:\n" + _model("a", ", weight: 8, context_window: 90")
     + _model("b", ", weight: 5, context_window: 50", "q", _DEAR)
     + "aliases: {t: {tier: [a, §b], ordered: true}}\n"),
    # budgets below every price
    ("TH2119", "defaults: {max_budget_usd: §0.00000001}\n"),
    ("TH2119", "defaults: {max_budget_usd: §0}\n"),
    ("TH2119", f"{_KEY}, limits: {{monthly_usd: §0.00000001}}}}]\n"),
    ("TH2119", f"{_KEY}, models: [o], limits: {{monthly_usd: §0.0005}}}}]\n"),
    # vectors of different models
    ("TH2120", _EMBEDDERS + "aliases: {§a: {tier: [e, f]}}\n"),
    ("TH2120", _EMBEDDERS + "aliases:\n  §a: {split: [{model: e, weight: 1}, {model: f, weight: 1}]}\n"),
    ("TH2120", _EMBEDDERS + "fallbacks: {§e: [f]}\n"),
    # strangers in a set
    ("TH2121", _MIXED + "aliases: {a: {tier: [c, §e]}}\n"),
    ("TH2121", _MIXED + "aliases: {a: {split: [{model: c, weight: 1}, {model: §e, weight: 1}]}}\n"),
    ("TH2121", _MIXED + "fallbacks: {c: [d, §e]}\n"),
    ("TH2121", _MIXED + "wildcard_models: [c, d, §e]\n"),
    # keys without a call
    ("TH2409", f"{_KEY}, §scopes: [embeddings]}}]\n"),
    ("TH2409", _MIXED + f"{_KEY}, models: [e], §scopes: [chat]}}]\n"),
    ("TH2409", _MIXED + f"{_KEY}, models: ['?'], providers: [q], §scopes: [embeddings, models]}}]\n"),
    # dead names in sets
    ("TH2108", "aliases: {a: {tier: [m, §b]}, b: {model: n, enabled: false}}\n"),
    ("TH2108", "aliases: {a: {split: [{model: m, weight: 1}, {model: §b, weight: 1}]}, b: {model: n, enabled: false}}\n"),
    ("TH2108", "aliases: {a: {model: n, enabled: false}}\ndefaults: {default_model: §a}\n"),
    # promises broken on a way that nobody sees at first
    ("TH2703", "aliases: {eu-a: m}\nfallbacks: {m: [n]}\npolicies: [{name: x, aliases: [§eu-*], require: {region: eu}}]\n"),
    ("TH2703", "fallbacks: {m: [o], o: [n]}\npolicies: [{name: x, aliases: [§m], require: {region: eu}}]\n"),
    (
        "TH2703",
        "aliases: {eu-a: {split: [{model: m, weight: 1}, {model: o, weight: 1}]}, b: {tier: [o, n]}}\n"
        "fallbacks: {o: [b]}\npolicies:\n  - name: x\n    aliases: [m, §eu-*]\n    require: {region: eu}\n",
    ),
)  # fmt: skip
