"""OpenAI's Responses as a caller speaks them: the part that needs no memory of ours."""
