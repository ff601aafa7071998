"""Models, offers, prices and aliases that cannot be meant."""
# ruff: noqa: E501

_OFFER = "{provider: p, price: {input: 1, output: 1}}"
_D = "digest: 'sha256:" + "1" * 64 + "'"

ROWS = (
    ("TH2110", f"models: {{m: {{max_output_tokens: 1, offers: [{_OFFER}, {{provider: §p, unpriced: true}}]}}}}\n"),
    (
        "TH2110",
        "models:\n  m:\n    max_output_tokens: 1\n    offers:\n      - {provider: p, id: a, unpriced: true}\n      - {provider: q, id: a, unpriced: true}\n      - {id: b, unpriced: true, provider: §q}\n",
    ),
    ("TH2112", "aliases: {a: {§split: [{model: m, weight: 0}]}}\n"),
    ("TH2112", "aliases: {a: {§split: [{model: m, weight: 0}, {model: n, weight: 0.0}]}}\n"),
    ("TH2112", "routing: {modes: {§flat: {cost: 0}}}\n"),
    ("TH2112", "routing: {modes: {§flat: {}}}\n"),
    (
        "TH2201",
        "models: {§x: {max_output_tokens: 1, offers: [{provider: off, unpriced: true}]}, m: {max_output_tokens: 1, offers: [{provider: p, unpriced: true}]}}\n",
    ),
    (
        "TH2201",
        "providers: {p: {dialect: echo, enabled: false}, q: {dialect: echo}}\nmodels: {m: {max_output_tokens: 1, offers: [{provider: q, unpriced: true}]}, §x: {max_output_tokens: 1, offers: [{provider: p, unpriced: true}]}}\n",
    ),
    ("TH2202", "models: {m: {max_output_tokens: 1, offers: [§{provider: p}]}}\n"),
    ("TH2202", "models:\n  m:\n    max_output_tokens: 1\n    offers:\n      - §provider: p\n        id: x\n"),
    (
        "TH2202",
        "models: {m: {max_output_tokens: 1, offers: [{provider: q, unpriced: true}, §{provider: p, unpriced: false}]}}\n",
    ),
    ("TH2202", "models: {m: {max_output_tokens: 1, offers: [§{provider: p, price: null}]}}\n"),
    (
        "TH2203",
        f"models: {{m: {{max_output_tokens: 1, offers: [{{provider: p, unpriced: §true}}]}}}}\nkeys: [{{name: k, {_D}, limits: {{monthly_usd: 5}}}}]\n",
    ),
    (
        "TH2203",
        f"models: {{m: {{max_output_tokens: 1, offers: [{{provider: p, unpriced: §true}}, {{provider: q, price: {{input: 1, output: 1}}}}]}}}}\nkeys: [{{name: k, {_D}, models: ['m*'], limits: {{monthly_usd: 5}}}}]\n",
    ),
    (
        "TH2203",
        f"models: {{m: {{max_output_tokens: 1, offers: [{{provider: p, unpriced: §true}}]}}}}\nkeys: [{{name: k, {_D}, providers: [p], limits: {{monthly_usd: 5}}}}]\n",
    ),
    ("TH2204", f"models: {{m: {{retires_on: §2027-01-10, max_output_tokens: 1, offers: [{_OFFER}]}}}}\n"),
    ("TH2204", f"models: {{m: {{retires_on: §2026-12-05, max_output_tokens: 1, offers: [{_OFFER}]}}}}\n"),
    (
        "TH2204",
        f"defaults: {{retire_warn_days: 400}}\nmodels: {{m: {{retires_on: §2027-11-20, max_output_tokens: 1, offers: [{_OFFER}]}}}}\n",
    ),
    ("TH2205", f"models: {{m: {{retires_on: §2026-12-04, max_output_tokens: 1, offers: [{_OFFER}]}}}}\n"),
    ("TH2205", f"models: {{m: {{retires_on: §2026-11-21, max_output_tokens: 1, offers: [{_OFFER}]}}}}\n"),
    ("TH2205", f"models: {{m: {{retires_on: §'2020-01-01', max_output_tokens: 1, offers: [{_OFFER}]}}}}\n"),
    (
        "TH2205",
        f"defaults: {{retire_error_days: 60}}\nmodels: {{m: {{retires_on: §2027-01-10, max_output_tokens: 1, offers: [{_OFFER}]}}}}\n",
    ),
    ("TH2206", f"models: {{m: {{context_window: 100, max_output_tokens: §101, offers: [{_OFFER}]}}}}\n"),
    ("TH2206", f"models: {{m: {{max_output_tokens: §200000, context_window: 128000, offers: [{_OFFER}]}}}}\n"),
    (
        "TH2207",
        "models: {m: {max_output_tokens: 1, offers: [{provider: p, unpriced: §true, price: {input: 1, output: 1}}]}}\n",
    ),
    ("TH2208", f"models: {{§m: {{offers: [{_OFFER}]}}}}\n"),
    ("TH2208", f"models: {{§m: {{capabilities: [completions], offers: [{_OFFER}]}}}}\n"),
    ("TH2208", f"models: {{§m: {{capabilities: [embeddings, chat], offers: [{_OFFER}]}}}}\n"),
    ("TH2209", "§models: {}\n"),
    ("TH2209", "§models: {m: {enabled: false, max_output_tokens: 1, offers: [{provider: p, unpriced: true}]}}\n"),
    ("TH2210", f"models: {{m: {{capabilities: [embeddings], completions: §via-chat, offers: [{_OFFER}]}}}}\n"),
    (
        "TH2210",
        f"models: {{m: {{max_output_tokens: 1, capabilities: [chat, completions], completions: §via-chat, offers: [{_OFFER}]}}}}\n",
    ),
    (
        "TH2211",
        "models: {m: {context_window: 128000, max_output_tokens: 1, offers: [{provider: p, price: {input: 1, output: 1, above: {tokens: §200000, input: 2, output: 2}}}]}}\n",
    ),
)
