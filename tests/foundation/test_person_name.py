import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from boxoffice.foundation.person_name import read_name


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Anna   Berg ", "Anna Berg"),
        ("محمد عبد الله", "محمد عبد الله"),
        ("דָּוִד לוי", unicodedata.normalize("NFC", "דָּוִד לוי")),
        ("Zoe\u0308", "Zo\u00eb"),
        ("DJ 👩🏽\u200d🎤", "DJ 👩🏽\u200d🎤"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("Ngu\u031b\u0323yen", unicodedata.normalize("NFC", "Ngu\u031b\u0323yen")),
        ("Anna \u202egreB\u202c", "Anna greB"),
        ("\u2067Anna\u2069\u200f", "Anna"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("O'Neil-Çelik, Jr.", "O'Neil-Çelik, Jr."),
        ("x" * 100, "x" * 100),
    ],
)
def test_a_name_stays_as_it_is_written(typed: str, kept: str) -> None:
    assert read_name(typed) == kept


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Enter a name"),
        (" \u00a0 ", "Enter a name"),
        ("\u202e\u202c", "Enter a name"),
        ("\u200d", "Enter a name"),
        ("\u0301", "Enter a name"),
        ("Anna\0", "control characters"),
        ("Anna\nBerg", "control characters"),
        ("Anna\x1b[2J", "control characters"),
        ("Anna\u2028Berg", "control characters"),
        ("Anna\ud83d", "control characters"),
        ("x" * 101, "at most 100"),
        ("x" * 10_000, "at most 100"),
    ],
)
def test_what_is_no_name_is_refused_in_a_sentence(typed: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        read_name(typed)


@given(st.text(max_size=120))
@example("A\u202e")
@example("A \u2066 B")
def test_whatever_is_typed_reading_twice_changes_nothing(typed: str) -> None:
    try:
        name = read_name(typed)
    except ValueError:
        return
    assert read_name(name) == name
    assert 0 < len(name) <= 100
    assert unicodedata.is_normalized("NFC", name)
    assert not any(unicodedata.bidirectional(c) in ("RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "PDI") for c in name)
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in name)
    name.encode()


@given(st.text(st.characters(categories=["L", "Mn", "N", "So"]), min_size=1, max_size=40))
def test_letters_marks_and_emoji_are_never_lost(typed: str) -> None:
    composed = unicodedata.normalize("NFC", typed)
    try:
        assert read_name(typed) == composed
    except ValueError:
        assert all(unicodedata.category(character) == "Mn" for character in typed) or len(composed) > 100
