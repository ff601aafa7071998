"""`tokenhub catalog`: models and what they cost: list them, compare them, lock their prices."""
