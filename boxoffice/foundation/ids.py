"""Ids for machines (UUIDv7) and codes for people (Crockford base32 with a check character)."""

import hashlib
import random
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHECK_ALPHABET = ALPHABET + "*~$=U"
EVENT_CODE_LENGTH = 4
_READ_AS = str.maketrans("OILoil", "011011")


@dataclass(slots=True)
class Source:
    """What ids are made of: Unix milliseconds and chance. A simulation that must repeat exactly puts its own in."""

    milliseconds: Callable[[], int]
    chance: random.Random


SOURCE = Source(lambda: time.time_ns() // 1_000_000, secrets.SystemRandom())


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    return _as_version(7, SOURCE.milliseconds() << 80 | SOURCE.chance.getrandbits(80))


def named_id(*names: str) -> uuid.UUID:
    """The same UUIDv8 for the same names, for things that a file names: loading it twice finds them again."""
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    return _as_version(8, int.from_bytes(digest[:16], "big"))


def _as_version(version: int, value: int) -> uuid.UUID:
    """`value` with the version and variant bits of RFC 9562; Python 3.11's uuid knows versions 1 to 5 only."""
    value = value & ~(0xF << 76) | version << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def random_code(length: int) -> str:
    """`length` characters of Crockford base32, 5 random bits each, without a check character."""
    return "".join(SOURCE.chance.choice(ALPHABET) for _ in range(length))


def with_check(code: str) -> str:
    """`code` and its check character: the number it spells modulo 37 (Crockford base32)."""
    number = 0
    for character in code:
        number = number * 32 + ALPHABET.index(character)
    return code + CHECK_ALPHABET[number % 37]


def read_code(text: str) -> str | None:
    """What a person typed, as the code it stands for; None when the check character does not fit.

    Spaces and hyphens are skipped, lower case is taken, O reads as 0, I and L as 1.
    """
    typed = text.strip().replace("-", "").replace(" ", "")
    body = typed[:-1].translate(_READ_AS).upper()
    if not body or any(character not in ALPHABET for character in body):
        return None
    check = typed[-1].upper()
    check = check if check in CHECK_ALPHABET else check.translate(_READ_AS)
    return body + check if with_check(body) == body + check else None
