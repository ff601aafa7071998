"""What goes wrong with a store, said once, in words for an operator.

StoreError             it does not answer; later it may
├── StoreRefusedError  it must not be used as it is: damaged, in use, or of a newer version
└── RowsRefusedError   it answers, but will never take these rows
"""


class StoreError(Exception):
    """A store cannot be used now; the message says which, why, and what to do."""


class StoreRefusedError(StoreError):
    """No waiting helps."""


class RowsRefusedError(StoreError):
    """The store is well; the rows are not."""
