"""What another configuration would change about requests: not in its text, but in where they go and what they cost."""
