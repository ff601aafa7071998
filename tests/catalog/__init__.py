"""The catalogue of hosted models: chosen from public facts, printed as configuration, proven against the facts."""
