"""What goes wrong with a store, said once, in words for an operator."""


class StoreError(Exception):
    """A store cannot be used; the message says which, why, and what to do."""
