"""Keys, policies and tests that open nothing, promise nothing, prove nothing."""

import hashlib


def _digest(letter: str) -> str:
    return f"digest: 'sha256:{letter * 64}'"


_A, _B = _digest("1"), _digest("2")
_QUICK = hashlib.sha256(b"th-quickstart").hexdigest()

ROWS = (
    ("TH2401", f"keys: [{{name: k, {_A}}}, {{name: §k, {_B}}}]\n"),
    ("TH2401", f"keys:\n  - name: web\n    {_A}\n  - name: §web\n    {_B}\n"),
    ("TH2402", f"keys: [{{name: k, {_A}}}, {{name: l, {_A.replace(': ', ': §')}}}]\n"),
    ("TH2402", f"keys: [{{name: k, digest: ['sha256:{'1' * 64}', §'sha256:{'1' * 64}']}}]\n"),
    ("TH2402", f"keys: [{{name: k, {_A}}}, {{name: l, digest: ['sha256:{'2' * 64}', §'sha256:{'1' * 64}']}}]\n"),
    ("TH2403", f"keys: [{{name: k, {_A}}}, {{name: l, {_B}, expires: §2026-11-21}}]\n"),
    ("TH2403", f"keys: [{{name: k, {_A}}}, {{name: l, {_B}, expires: §2020-01-01}}]\n"),
    ("TH2404", "§keys: []\n"),
    ("TH2404", f"§keys: [{{name: k, {_A}, enabled: false}}]\n"),
    (
        "TH2405",
        f"server: {{listen: '0.0.0.0:8080'}}\nkeys: [{{name: k, digest: §'sha256:{_QUICK}'}}]\n".replace(
            "0.0.0.0", "8.8.8.8"
        ),
    ),
    ("TH2405", f"server: {{listen: 'gateway.example.com:80'}}\nkeys: [{{name: k, digest: §'sha256:{_QUICK}'}}]\n"),
    ("TH2405", f"server: {{listen: '0.0.0.0:8080'}}\nkeys: [{{name: k, digest: §'sha256:{_QUICK}'}}]\n"),
    (
        "TH2405",
        f"server: {{listen: '[::]:8080'}}\nkeys: [{{name: k, digest: ['sha256:{'1' * 64}', §'sha256:{_QUICK}']}}]\n",
    ),
    ("TH2406", f"keys: [{{name: k, {_A}, models: [m], §providers: [q]}}]\n"),
    ("TH2406", f"keys: [{{name: k, {_A}, models: ['q/*'], §providers: ['p*']}}]\n"),
    ("TH2407", f"keys: [{{name: k, {_A}, limits: {{requests_per_minute: §0}}}}]\n"),
    ("TH2407", f"keys: [{{name: k, {_A}, limits: {{monthly_usd: §0}}}}]\n"),
    ("TH2408", f"keys: [{{name: k, digest: §'sha256:{hashlib.sha256(b'').hexdigest()}'}}]\n"),
    ("TH2010", f"keys: [{{name: k, {_A}, models: [§mm]}}]\n"),
    ("TH2010", f"keys: [{{name: k, {_A}, models: [m, §'x*']}}]\n"),
    ("TH2010", f"keys: [{{name: k, {_A}, models: [§'r/*']}}]\n"),
    ("TH2010", f"keys: [{{name: k, {_A}, models: [§q/m]}}]\n"),
    ("TH2010", f"keys: [{{name: k, {_A}, models: [§M]}}]\n"),
    ("TH2010", f"keys: [{{name: k, {_A}, models: [§'[mn]']}}]\n"),
    ("TH2011", f"keys: [{{name: k, {_A}, providers: [§r]}}]\n"),
    ("TH2011", f"keys: [{{name: k, {_A}, providers: [p, §'r*']}}]\n"),
    # policies
    ("TH2012", "policies: [{name: x, aliases: [m], require: {§regoin: eu}}]\n"),
    ("TH2012", "policies:\n  - name: x\n    aliases: [m]\n    require:\n      §zone: a\n"),
    ("TH2014", "policies: [{name: x, aliases: [§eu-*], require: {region: eu}}]\n"),
    ("TH2014", "policies: [{name: x, aliases: [m, §mm], require: {region: eu}}]\n"),
    ("TH2703", "policies: [{name: x, aliases: [§n], require: {region: eu}}]\n"),
    ("TH2703", "policies: [{name: x, aliases: [§'*'], require: {region: eu}}]\n"),
    ("TH2703", "policies: [{name: x, aliases: [§m], require: {region: us}}]\n"),
    ("TH2703", "fallbacks: {m: [n]}\npolicies: [{name: x, aliases: [§m], require: {region: eu}}]\n"),
    ("TH2703", "aliases: {eu-a: {tier: [m, n]}}\npolicies: [{name: x, aliases: [§eu-*], require: {region: eu}}]\n"),
    (
        "TH2703",
        "aliases: {eu-a: m}\nfallbacks: {eu-a: [n]}\npolicies: [{name: x, aliases: [§eu-*], require: {region: eu}}]\n",
    ),
    (
        "TH2701",
        "policies: [{name: x, aliases: [m], require: {region: eu}}, {name: §x, aliases: [o], require: {region: eu}}]\n",
    ),
    # tests
    ("TH2701", "tests: [{name: x, expect: {model: m}}, {name: §x, expect: {model: n}}]\n"),
    ("TH2702", "tests: [{name: §x, ask: {model: m}}]\n"),
    ("TH2702", "tests: [{name: §x, ask: {model: m}, expect: {}, cases: [{ask: {model: n}}]}]\n"),
    ("TH2013", "tests: [{name: x, ask: {model: §mm}, expect: {model: m}}]\n"),
    ("TH2013", "tests: [{name: x, ask: {model: m, key: §nobody}, expect: {model: m}}]\n"),
    ("TH2013", "tests: [{name: x, ask: {model: m, fallback: [n, §gone]}, expect: {model: m}}]\n"),
    ("TH2013", "tests: [{name: x, ask: {model: m}, moment: {down: [§r]}, expect: {model: m}}]\n"),
    ("TH2013", "tests: [{name: x, ask: {model: m}, moment: {down: [p, §q/m]}, expect: {model: m}}]\n"),
    ("TH2013", "tests: [{name: x, ask: {model: m}, moment: {rate_limited: [§r]}, expect: {model: m}}]\n"),
    ("TH2013", "tests: [{name: x, ask: {model: m}, moment: {latency: {§r: 5s}}, expect: {model: m}}]\n"),
    ("TH2013", "tests: [{name: x, ask: {model: m}, moment: {error_rate: {p: 0.1, §p/zz: 0.5}}, expect: {model: m}}]\n"),
    ("TH2013", "tests: [{name: x, ask: {model: m}, expect: {model: §mm}}]\n"),
    ("TH2013", "tests: [{name: x, ask: {model: m}, expect: {provider: §pp}}]\n"),
    ("TH2013", "tests: [{name: x, ask: {model: m}, expect: {then: [n, §gone]}}]\n"),
    ("TH2013", "tests: [{name: x, ask: {model: m}, expect: {refused: {§gone: budget}}}]\n"),
    ("TH2013", "tests: [{name: x, expect: {model: m}, cases: [{ask: {model: m}}, {ask: {model: §mm}}]}]\n"),
)
