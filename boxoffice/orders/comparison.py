"""What a comparison with Stripe has found so far, and what it may do about it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from boxoffice.orders.till import Till

UNDER_WAY = timedelta(minutes=1)
"""What happened later than that may be on its way here."""


class Difference(msgspec.Struct, frozen=True):
    """Something that Stripe and we see differently. `kind` is stable for programs; amounts in minor units.

    `healed`: in a word what came of it, None while it is left.
    """

    kind: str
    about: str
    order: str | None
    words: str
    amount_minor: int | None
    currency: str | None
    healed: str | None = None


class Compared(msgspec.Struct):
    """How much was compared so far, up to which moment."""

    until: datetime
    sessions: int = 0
    payments: int = 0
    refunds: int = 0
    disputes: int = 0
    foreign: int = 0
    under_way: int = 0
    healed: int = 0
    left: int = 0


class Comparison:
    """One comparison, up to `until`; `fix` heals what can be, `tell` is called with each difference once."""

    def __init__(self, till: Till, until: datetime, tell: Callable[[Difference], None], *, fix: bool) -> None:
        self.till = till
        self.stripe = till.stripe_or_closed()
        self.until = until
        self.fix = fix
        self.compared = Compared(until)
        self._tell = tell

    def is_under_way(self, moment: datetime) -> bool:
        """Whether what happened then may still be on its way here; counted as such if it is."""
        under_way = moment > self.until - UNDER_WAY
        self.compared.under_way += under_way
        return under_way

    def found(
        self,
        kind: str,
        about: str,
        order: str | None,
        words: str,
        money: tuple[int, str],
        healed: str | None = None,
    ) -> None:
        """Tells a difference; `money` is an amount in minor units with its currency."""
        if healed is None:
            self.compared.left += 1
        else:
            self.compared.healed += 1
        words = words[0].upper() + words[1:] + "."
        self._tell(Difference(kind, about, order, words, *money, healed))
