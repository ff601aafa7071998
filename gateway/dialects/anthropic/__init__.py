"""Anthropic's Messages API in OpenAI's words."""
