"""Vendors as they sound at the wire: what each one says, and what it insists on hearing."""

from tests.vendors.anthropic import AnthropicVendor
from tests.vendors.bedrock import BedrockVendor
from tests.vendors.cohere import CohereVendor
from tests.vendors.gemini import GeminiVendor, VertexVendor
from tests.vendors.openai_like import AzureVendor, OpenAIVendor
from tests.vendors.vendor import Call, Vendor
from tests.vendors.voyage import VoyageVendor

VENDORS: dict[str, Vendor] = {
    vendor.name: vendor
    for vendor in (
        OpenAIVendor("openai"),
        AzureVendor("azure"),
        AnthropicVendor("anthropic"),
        GeminiVendor("gemini"),
        VertexVendor("vertex"),
        BedrockVendor("bedrock"),
        CohereVendor("cohere"),
        VoyageVendor("voyage"),
        OpenAIVendor("mistral"),
        OpenAIVendor("groq", embeds=False),
        OpenAIVendor("deepseek", embeds=False, schemas=False),
        OpenAIVendor("ollama", key=False),
    )
}

__all__ = ["VENDORS", "Call", "Vendor"]
