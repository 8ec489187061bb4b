import pytest

from boxoffice.foundation.money import to_minor


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("0", "eur", 0),
        ("18.50", "eur", 1850),
        ("18.5", "usd", 1850),
        ("2500", "jpy", 2500),
        ("7.250", "kwd", 7250),
        ("100", "isk", 10000),
        ("999999.99", "eur", 99999999),
    ],
)
def test_written_amounts(amount: str, currency: str, minor: int) -> None:
    assert to_minor(amount, currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("-1", "eur"),
        ("1.234", "eur"),
        ("1.5", "jpy"),
        ("7.255", "kwd"),
        ("1550.50", "isk"),
        ("1550.5", "ugx"),
        ("NaN", "eur"),
        ("1e3", "eur"),
        ("", "eur"),
        ("1,50", "eur"),
        ("1000000.00", "eur"),
        ("١٢", "eur"),
    ],
)
def test_what_is_no_amount_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError):
        to_minor(amount, currency)
