"""Anthropic's Messages as a caller speaks them."""
