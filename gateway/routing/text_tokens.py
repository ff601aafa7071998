"""How many tokens a text will be, told from its characters: no vocabulary, no download, a few microseconds.

Calibrated against o200k (GPT-4o, GPT-4.1, GPT-5, o-series). Sources: the twenty sentences with exact counts that OpenAI
published with GPT-4o (`tests/routing/test_text_tokens.py` holds them), the sample text of OpenAI's tokenizer page, and
how the vocabulary is made: words with their leading space, digits in threes, CJK mostly one character a token.
cl100k needs more for every script but Latin; Claude's and Gemini's vocabularies lie within a fifth of o200k.
"""

from collections.abc import Mapping
from string import ascii_letters, digits

LETTER = 0.17
WORD = 0.40
DIGIT = 0.38
MARK = 0.75
NEWLINE = 0.55
BLANK = 0.1
"""Tokens per ASCII character of a class; a word costs WORD once and LETTER for each of its letters."""

LONGEST_WORD = 14
NOISE = 0.45
"""Letters beyond this many per word are no language (base64, hex, minified names) and are cut much smaller."""

SAMPLE_FROM = 16_384
SLICES = 12
SLICE = 1024
"""Longer texts are judged by evenly spaced slices."""

_CLASSES = {b"d": digits, b" ": " \t\r", b"\n": "\n"}
_CLASS_OF_ASCII = bytes(
    next((name[0] for name, members in _CLASSES.items() if chr(code) in members), ord("m")) for code in range(256)
)
"""`d`igit, blank, newline; everything else but letters, which are taken out, is a `m`ark."""
_LETTERS = ascii_letters.encode()
_DIGIT, _NEWLINE = ord("d"), ord("\n")

SCRIPTS: Mapping[str, tuple[float, tuple[int, ...]]] = {
    "latin": (0.85, (0x00, 0x01, 0x02, 0x1D, 0x1E, 0x2C, 0xA7)),
    "greek": (0.5, (0x03, 0x1F)),
    "cyrillic": (0.28, (0x04,)),
    "hebrew": (0.5, (0x05,)),
    "arabic": (0.43, (0x06, 0x07, 0x08, 0xFB, 0xFD, 0xFE)),
    "devanagari": (0.40, (0x09,)),
    "gujarati": (0.42, (0x0A,)),
    "tamil": (0.43, (0x0B,)),
    "telugu": (0.54, (0x0C, 0x0D)),
    "thai": (0.36, (0x0E,)),
    "rare": (0.9, (0x0F, 0x10, *range(0x12, 0x1D), 0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA8, 0xA9, 0xAA, 0xAB)),
    "punctuation": (0.9, (0x20,)),
    "symbols": (1.3, (*range(0x21, 0x2C), 0x2D, 0x2E, *range(0xE0, 0xFB), 0xFC)),
    "kana": (0.62, (0x2F, 0x30, 0x31, 0x32, 0x33, 0xFF)),
    "han": (0.85, tuple(range(0x34, 0xA0))),
    "hangul": (0.60, (0x11, *range(0xAC, 0xD8))),
    "pairs": (1.3, tuple(range(0xD8, 0xE0))),
}
"""Tokens per UTF-16 unit beyond ASCII, by the upper byte of the unit; `pairs` are halves (emoji, rare Han)."""

_NAMES = tuple(SCRIPTS)
_SCRIPT_OF_BYTE = bytes(
    next(index for index, name in enumerate(_NAMES) if byte in SCRIPTS[name][1]) for byte in range(256)
)
_RATES = tuple((bytes([index]), SCRIPTS[name][0]) for index, name in enumerate(_NAMES))


def text_tokens(text: str) -> float:
    """An estimate; 0 for nothing. Its cost is bounded, however long the text."""
    length = len(text)
    if length > SAMPLE_FROM:
        stride = (length - SLICE) // (SLICES - 1)
        slices = "".join([text[start : start + SLICE] for start in range(0, stride * SLICES, stride)])
        return text_tokens(slices) * length / len(slices)
    if text.isascii():
        return _ascii_tokens(text)
    plain = text.encode("ascii", "ignore").decode()
    return _ascii_tokens(plain) + _other_tokens(text, len(plain))


def _ascii_tokens(text: str) -> float:
    """What is not there is not added: most texts have no figures, and no two blanks in a row."""
    others = text.encode().translate(_CLASS_OF_ASCII, _LETTERS)
    letters, spaces = len(text) - len(others), others.count(b" ")
    figures = others.count(b"d") if _DIGIT in others else 0
    newlines = others.count(b"\n") if _NEWLINE in others else 0
    marks = len(others) - figures - spaces - newlines
    if not letters:
        return DIGIT * figures + MARK * marks + NEWLINE * newlines + BLANK * spaces
    words: float = spaces + newlines + 1
    if spaces > 1 and ("  " in text or "\t" in text or "\r" in text):
        words -= 1.75 * _pairs_of_blanks(text)  # a run of them is one token; only its last belongs to a word
        if words < 1.0:
            words = 1.0
    if marks > words and words < 0.4 * marks:
        words = 0.4 * marks
    if words > letters:
        words = letters
    total = WORD * words + LETTER * letters
    if letters > LONGEST_WORD * words:
        total += NOISE * (letters - LONGEST_WORD * words)
    if figures:
        total += DIGIT * figures
    if marks:
        total += MARK * marks
    return total + NEWLINE * newlines if newlines else total


def _pairs_of_blanks(text: str) -> int:
    return text.encode().translate(_CLASS_OF_ASCII).count(b"  ")


def _other_tokens(text: str, plain: int) -> float:
    scripts = text.encode("utf-16-le", "surrogatepass")[1::2].translate(_SCRIPT_OF_BYTE)
    total = -plain * SCRIPTS["latin"][0]
    left = len(scripts)
    for mark, rate in _RATES:
        count = scripts.count(mark)
        if count:
            total += count * rate
            left -= count
            if not left:
                break
    return total
