"""Names of people as they write them: every script, every accent, emoji; nothing that turns a line around."""

import re
import unicodedata

LENGTH_MAX = 100
# Marks, embeddings, overrides and isolates of direction: they would turn around what stands beside the name.
DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def read_name(text: str) -> str:
    """The name in Unicode's composed form (NFC), each run of spaces one space. Raises ValueError with a sentence.

    Letters of any script, combining marks and emoji (with their joiners) stay as they are; characters that only set a
    direction are removed; control characters, NUL among them, and halves of characters are refused.
    """
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text.strip()):
        raise ValueError("A name is one line without control characters: type it anew.")
    name = unicodedata.normalize("NFC", " ".join(DIRECTION.sub("", text).split()))
    if not any(unicodedata.category(character)[0] in "LNSP" for character in name):
        raise ValueError("Enter a name.")
    if len(name) > LENGTH_MAX:
        raise ValueError(f"A name has at most {LENGTH_MAX} characters.")
    return name
