"""Google's Gemini API, and the same models at Vertex AI, in OpenAI's words."""
