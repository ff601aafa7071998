"""The cycle collector, kept away from what lives as long as it serves: the code and the configuration."""

import gc

from gateway.flow.gateway import Gateway

YOUNG = 25_000
"""New objects between two looks: a few hundred requests under way. What a request makes goes without a collector."""


def settle(gateway: Gateway) -> None:
    """What was loaded is not looked at again, nor is what later reloads bring."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 100)
    gateway.reloader.adopt.append(lambda _: gc.freeze())
