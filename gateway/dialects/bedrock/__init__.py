"""How AWS Bedrock speaks: Converse and ConverseStream, signed with SigV4 or opened with an API key."""
