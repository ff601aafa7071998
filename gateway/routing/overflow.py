"""What may still cure a request that did not fit: a smaller `max_tokens`."""

from gateway.domain.table import Offer
from gateway.routing.estimate import padded

SMALLEST_ANSWER_TOKENS = 64
"""An answer cut shorter than this helps nobody; a larger window does."""


def reduced_max_tokens(offer: Offer, input_tokens: int, requested: int | None) -> int | None:
    """The most output that would fit this window; None where shrinking cures nothing.

    The provider said that input and output together are too long, so the input is at least what they leave over:
    an estimate below that is raised to it.
    """
    window = offer.context_window
    if not window or not requested:
        return None
    if offer.max_output_tokens:
        requested = min(requested, offer.max_output_tokens)
    room = window - padded(max(input_tokens, window - requested + 1))
    return room if SMALLEST_ANSWER_TOKENS <= room < requested else None
