"""Speaks HTTP with callers: understands what they send, calls one function of `flow`, and answers."""
