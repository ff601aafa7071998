"""How Cohere speaks: the Chat and Embed APIs, version 2."""
