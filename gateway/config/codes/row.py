"""What is known of one code: its title, why it matters, and a line that causes it."""

from typing import Literal

from msgspec import Struct


class Code(Struct, frozen=True):
    code: str
    title: str
    why: str
    example: str = ""
    severity: Literal["error", "warning"] = "error"
