# ruff: noqa: E501 (a table)
"""Codes of the price lock: only `validate-config --locked` looks for these."""

from gateway.config.codes.row import Code

LOCKING = (
    Code("TH2801", "Another price than the locked one", "Prices decide routes and bills, so with `--locked` they change only together with `prices.lock`.", "price: {input: 3, output: 12}   # prices.lock: input 2.5, output 10"),
    Code("TH2802", "An offer that is not locked", "It came after the last `tokenhub catalog lock`, or its provider or model was renamed.", "models: {new-model: {offers: [{provider: openai, …}]}}"),
    Code("TH2803", "No price lock", "`prices.lock` (`NAME.prices.lock` for a `NAME.yaml` of another name) stands beside the configuration and is written by `tokenhub catalog lock`; it is missing, broken, or was edited by hand."),
    Code("TH2804", "A locked price of nothing", "The offer is gone; its line in `prices.lock` is left over.", severity="warning"),
)  # fmt: skip
