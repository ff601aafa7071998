"""Estimates against counts that are known: twenty languages, code, data, and the shape of the curve."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.routing.text_tokens import (
    BLANK,
    DIGIT,
    LETTER,
    LONGEST_WORD,
    MARK,
    NEWLINE,
    NOISE,
    WORD,
    text_tokens,
)

# o200k counts, as published by OpenAI with GPT-4o ("Language tokenization", May 2024).
PUBLISHED = [
    ("Gujarati", 33, "હેલો, મારું નામ જીપીટી-4o છે. હું એક નવા પ્રકારનું ભાષા મોડલ છું. તમને મળીને સારું લાગ્યું!"),
    ("Telugu", 45, "నమస్కారము, నా పేరు జీపీటీ-4o. నేను ఒక్క కొత్త రకమైన భాషా మోడల్ ని. మిమ్మల్ని కలిసినందుకు సంతోషం!"),
    ("Tamil", 35, "வணக்கம், என் பெயர் ஜிபிடி-4o. நான் ஒரு புதிய வகை மொழி மாடல். உங்களை சந்தித்ததில் மகிழ்ச்சி!"),
    ("Marathi", 33, "नमस्कार, माझे नाव जीपीटी-4o आहे| मी एक नवीन प्रकारची भाषा मॉडेल आहे| तुम्हाला भेटून आनंद झाला!"),
    ("Hindi", 31, "नमस्ते, मेरा नाम जीपीटी-4o है। मैं एक नए प्रकार का भाषा मॉडल हूँ। आपसे मिलकर अच्छा लगा!"),
    ("Urdu", 33, "ہیلو، میرا نام جی پی ٹی-4o ہے۔ میں ایک نئے قسم کا زبان ماڈل ہوں، آپ سے مل کر اچھا لگا!"),
    ("Arabic", 26, "مرحبًا، اسمي جي بي تي-4o. أنا نوع جديد من نموذج اللغة، سررت بلقائك!"),
    ("Persian", 32, "سلام، اسم من جی پی تی-۴او است. من یک نوع جدیدی از مدل زبانی هستم، از ملاقات شما خوشبختم!"),
    ("Russian", 23, "Привет, меня зовут GPT-4o. Я — новая языковая модель, приятно познакомиться!"),
    ("Korean", 27, "안녕하세요, 제 이름은 GPT-4o입니다. 저는 새로운 유형의 언어 모델입니다, 만나서 반갑습니다!"),
    ("Vietnamese", 30, "Xin chào, tên tôi là GPT-4o. Tôi là một loại mô hình ngôn ngữ mới, rất vui được gặp bạn!"),
    ("Chinese", 24, "你好，我的名字是GPT-4o。我是一种新型的语言模型，很高兴见到你!"),
    ("Japanese", 26, "こんにちは、私の名前はGPT−4oです。私は新しいタイプの言語モデルです。初めまして!"),
    ("Turkish", 30, "Merhaba, benim adım GPT-4o. Ben yeni bir dil modeli türüyüm, tanıştığımıza memnun oldum!"),
    ("Italian", 28, "Ciao, mi chiamo GPT-4o. Sono un nuovo tipo di modello linguistico, piacere di conoscerti!"),
    ("German", 29, "Hallo, mein Name is GPT-4o. Ich bin ein neues KI-Sprachmodell. Es ist schön, dich kennenzulernen."),
    ("Spanish", 26, "Hola, me llamo GPT-4o. Soy un nuevo tipo de modelo de lenguaje, ¡es un placer conocerte!"),
    ("Portuguese", 27, "Olá, meu nome é GPT-4o. Sou um novo tipo de modelo de linguagem, é um prazer conhecê-lo!"),
    (
        "French",
        28,
        (
            "Bonjour, je m'appelle GPT-4o. Je suis un nouveau type de modèle de langage, "
            "c'est un plaisir de vous rencontrer!"
        ),
    ),
    ("English", 24, "Hello, my name is GPT-4o. I'm a new type of language model, it's nice to meet you!"),
]

TOKENIZER_PAGE = """Many words map to one token, but some don't: indivisible.

Unicode characters like emojis may be split into many tokens containing the underlying bytes: 🤚🏾

Sequences of characters commonly found next to each other may be grouped together: 1234567890"""

# The sample of OpenAI's tokenizer page is published, too (53); the others are counted by the rules of the vocabulary.
ALIKE = [
    (
        "tokenizer page",
        53,
        TOKENIZER_PAGE,
    ),
    ("pangram", 10, "The quick brown fox jumps over the lazy dog."),
    ("code", 12, "def add(a, b):\n    return a + b\n"),
    ("json", 12, '{"name": "John", "age": 30}'),
    ("digits", 10, "123456789012345678901234567890"),
    ("Greek", 14, "Καλημέρα, πώς είσαι σήμερα;"),
    ("Hebrew", 10, "שלום, מה שלומך היום?"),
    ("Thai", 9, "สวัสดีครับ วันนี้เป็นอย่างไรบ้าง"),
    ("base64", 50, "TWFuIGlzIGRpc3Rpbmd1aXNoZWQsIG5vdCBvbmx5IGJ5IGhpcyByZWFzb24sIGJ1dCBieSB0aGlz"),
]


@pytest.mark.parametrize(("language", "tokens", "text"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_a_sentence_in_each_language_is_estimated_within_a_quarter(language: str, tokens: int, text: str) -> None:
    assert 0.77 * tokens <= text_tokens(text) <= 1.25 * tokens, language


@pytest.mark.parametrize(("name", "tokens", "text"), ALIKE, ids=[row[0] for row in ALIKE])
def test_code_data_and_other_scripts_are_estimated_within_two_fifths(name: str, tokens: int, text: str) -> None:
    assert 0.7 * tokens <= text_tokens(text) <= 1.4 * tokens, name


def test_the_twenty_sentences_together_are_estimated_within_a_twentieth() -> None:
    total = sum(tokens for _, tokens, _ in PUBLISHED)
    assert 0.95 * total <= sum(text_tokens(text) for _, _, text in PUBLISHED) <= 1.05 * total


def test_bytes_over_four_would_be_off_by_half_where_we_are_not() -> None:
    naive = [abs(len(text.encode()) / 4 - tokens) / tokens for _, tokens, text in PUBLISHED]
    ours = [abs(text_tokens(text) - tokens) / tokens for _, tokens, text in PUBLISHED]
    assert max(naive) > 0.5
    assert sum(ours) < sum(naive) / 3


@pytest.mark.parametrize("text", [row[2] for row in PUBLISHED + ALIKE], ids=[row[0] for row in PUBLISHED + ALIKE])
def test_a_long_text_is_sampled_to_about_what_reading_all_of_it_gives(text: str) -> None:
    spaced = text + " "
    short, times = 10_000 // len(spaced) + 1, 40
    whole = text_tokens(spaced * short) * times
    assert text_tokens(spaced * short * times) == pytest.approx(whole, rel=0.1)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400))
def test_an_estimate_stays_between_nothing_and_bytes(text: str) -> None:
    tokens = text_tokens(text)
    assert 0 <= tokens <= 1 + 2 * len(text.encode("utf-8", "surrogatepass"))
    assert (tokens > 0) == bool(text)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=200), st.integers(2, 5))
def test_more_of_the_same_is_more(text: str, times: int) -> None:
    assert text_tokens(text + " ") * 0.9 <= text_tokens((text + " ") * times)
    assert text_tokens((text + " ") * times) <= times * text_tokens(text + " ") * 1.1 + 1


def test_a_run_of_blanks_is_cheap() -> None:
    assert text_tokens("a" + " " * 4000 + "b") < 250


def counted_one_by_one(text: str) -> float:
    """What `text_tokens` says of short ASCII, from the character classes as they are described."""
    letters, figures = sum(map(str.isalpha, text)), sum(map(str.isdigit, text))
    blanks, newlines = sum(map(text.count, " \t\r")), text.count("\n")
    marks = len(text) - letters - figures - blanks - newlines
    if not letters:
        return DIGIT * figures + MARK * marks + NEWLINE * newlines + BLANK * blanks
    runs = "".join(" " if char in " \t\r" else "x" for char in text).count("  ")
    words = blanks + newlines + 1 - (1.75 * runs if blanks > 1 else 0)
    words = min(max(words, 1.0, 0.4 * marks), letters)
    noise = NOISE * max(0.0, letters - LONGEST_WORD * words)
    return WORD * words + LETTER * letters + noise + DIGIT * figures + MARK * marks + NEWLINE * newlines


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="abcXYZ  \t\r\n019.,!-", max_size=80))
def test_what_is_skipped_because_it_is_not_there_changes_no_number(text: str) -> None:
    assert text_tokens(text) == counted_one_by_one(text)
