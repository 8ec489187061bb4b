"""Money: integers of minor units with their currency."""

import re
from decimal import Decimal

# Source: the payment provider's "Supported currencies" page.
ZERO_DECIMAL = frozenset(
    ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"]
)
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
WRITTEN_WITHOUT_DECIMALS = frozenset(["isk", "ugx"])
"""Sent with two decimals, which are always 00."""
MAXIMUM_MINOR = 99_999_999
# The smallest card payment in minor units, for settlement in the same currency; same source. Others: MINIMUM_ELSEWHERE.
_MINIMUM = {
    **dict.fromkeys(["usd", "eur", "chf", "aud", "cad", "nzd", "sgd", "brl", "inr", "jpy"], 50),
    **dict.fromkeys(["pln", "ron", "myr", "aed"], 200),
    **dict.fromkeys(["nok", "sek"], 300),
    "gbp": 30,
    "bgn": 100,
    "dkk": 250,
    "hkd": 400,
    "mxn": 1000,
    "thb": 1000,
    "czk": 1500,
    "huf": 17500,
}
MINIMUM_ELSEWHERE = 100
_AMOUNT = re.compile(r"[0-9]{1,8}(\.[0-9]{1,3})?")


def exponent(currency: str) -> int:
    """Number of decimals between the major and the minor unit: 0, 2 or 3."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def smallest_step(currency: str) -> int:
    """What every amount that a card can pay is a multiple of, in minor units."""
    if currency in WRITTEN_WITHOUT_DECIMALS:
        return 100
    return 10 if currency in THREE_DECIMAL else 1


def minimum_minor(currency: str) -> int:
    """The smallest total above zero that a card can pay, in minor units."""
    return _MINIMUM.get(currency, MINIMUM_ELSEWHERE)


def to_minor(amount: str, currency: str) -> int:
    """Minor units of a written amount such as "18.50".

    Raises ValueError when it is no plain non-negative number, has more decimals than the currency, a last digit
    other than 0 in a three-decimal currency, a fraction in one that people write without, or is above the maximum.
    """
    if not _AMOUNT.fullmatch(amount):
        raise ValueError(f'"{amount}" is not an amount: write it like "18.50".')
    minor = Decimal(amount).scaleb(exponent(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"{amount} has more decimals than {currency.upper()} knows ({exponent(currency)}).")
    if int(minor) % smallest_step(currency):
        what = "there are no decimals" if currency in WRITTEN_WITHOUT_DECIMALS else "the third decimal must be 0"
        raise ValueError(f"{amount} {currency.upper()}: {what}.")
    if minor > MAXIMUM_MINOR:
        raise ValueError(f"{amount} {currency.upper()} is more than one payment can carry.")
    return int(minor)
