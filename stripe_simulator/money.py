"""Currencies as Stripe counts them: exponents, smallest charges, fees. Amounts are integers of minor units."""

from decimal import ROUND_HALF_UP, Decimal

ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())  # noqa: SIM905
THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())  # noqa: SIM905
TWO_DECIMAL = frozenset(
    """aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop
    crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl hrk htg huf idr ils inr isk jmd kes
    kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab
    pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah
    ugx usd uyu uzs wst xcd yer zar zmw""".split()  # noqa: SIM905
)
CURRENCIES = ZERO_DECIMAL | THREE_DECIMAL | TWO_DECIMAL

LARGEST_AMOUNT = 99_999_999

# fmt: off
SMALLEST_CHARGE: dict[str, int] = {
    "usd": 50, "eur": 50, "gbp": 30, "chf": 50, "aud": 50, "cad": 50, "nzd": 50, "sgd": 50, "brl": 50, "inr": 50,
    "jpy": 50, "mxn": 1000, "dkk": 250, "nok": 300, "sek": 300, "pln": 200, "ron": 200, "bgn": 100, "czk": 1500,
    "huf": 17500, "hkd": 400, "myr": 200, "thb": 1000, "aed": 200,
}
SYMBOLS: dict[str, str] = {
    "usd": "$", "eur": "€", "gbp": "£", "jpy": "¥", "aud": "A$", "cad": "CA$", "nzd": "NZ$", "hkd": "HK$",
    "inr": "₹", "krw": "₩", "brl": "R$", "ils": "₪",
}
# fmt: on

FEES: dict[str, tuple[Decimal, int]] = {
    "usd": (Decimal("0.029"), 30),
    "eur": (Decimal("0.015"), 25),
    "gbp": (Decimal("0.015"), 20),
}
DEFAULT_FEE = (Decimal("0.029"), 30)
DISPUTE_FEES: dict[str, int] = {"usd": 1500, "eur": 2000, "gbp": 2000}
DISPUTE_FEE_UNITS = 15


def exponent(currency: str) -> int:
    """How many digits of an amount stand after the point."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def minor_units(currency: str) -> int:
    """How many minor units make one of the currency: 1, 100 or 1000."""
    return (1, 10, 100, 1000)[exponent(currency)]


def smallest_charge(currency: str) -> int:
    """The least that can be charged, in minor units; half a major unit where no figure is published."""
    return SMALLEST_CHARGE.get(currency, max(minor_units(currency) // 2, 1))


def decimal_text(amount: int, currency: str) -> str:
    """`1050 usd` -> `10.50`."""
    digits = exponent(currency)
    return f"{Decimal(amount).scaleb(-digits):,.{digits}f}"


def display(amount: int, currency: str) -> str:
    """As people read it: `$10.50`, `CHF 10.50`."""
    sign = SYMBOLS.get(currency, f"{currency.upper()} ")
    return f"{sign}{decimal_text(amount, currency)}"


def charge_fee(amount: int, currency: str) -> int:
    """The processing fee of a charge by list price."""
    rate, fixed = FEES.get(currency, DEFAULT_FEE)
    fixed_part = fixed * minor_units(currency) // 100
    return int((amount * rate).quantize(Decimal(1), ROUND_HALF_UP)) + fixed_part


def dispute_fee(currency: str) -> int:
    """What losing the money to a dispute costs on top."""
    return DISPUTE_FEES.get(currency, DISPUTE_FEE_UNITS * minor_units(currency))
