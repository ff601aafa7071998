"""tokenhub: a declarative gateway to language models, routed by files that live in Git."""

__version__ = "0.1.0"
