"""E-mail addresses as people type them, brought into the one form under which they are kept and compared."""

import re
import unicodedata

LENGTH_MAX = 254
UNSEEN = frozenset(["Cc", "Cf", "Cs", "Zs", "Zl", "Zp"])
# A local part that needs quotes in a header, and ASCII that no host name has, are typing mistakes.
_LOCAL = re.compile(r"""[^<>()\[\]\\,;:"]+""")
_LABEL = re.compile(r"(?!-)(?:[a-z0-9-]|[^\x00-\x7f])+(?<!-)")


def read_email(text: str) -> str:
    """The address trimmed, in lower case and in Unicode's composed form (NFC). Raises ValueError with a sentence."""
    email = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text.strip()).lower())
    if not email:
        raise ValueError("Enter an e-mail address.")
    if len(email) > LENGTH_MAX:
        raise ValueError(f"An e-mail address has at most {LENGTH_MAX} characters.")
    if any(unicodedata.category(character) in UNSEEN for character in email):
        raise ValueError("An e-mail address has no spaces and no invisible characters: type it anew.")
    local, _, domain = email.partition("@")
    labels = domain.split(".")
    if not _LOCAL.fullmatch(local) or len(labels) == 1 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("This is no e-mail address: one looks like name@example.org.")
    return email
