"""What was acknowledged to somebody, and must be true for ever."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Record:
    """`orders`: the code that a key was told. `paid`: the codes of tickets that an order was shown as paid with.
    `charged`: orders whose payment Stripe has told the buyer of. `refunds`: minor units whose refund was decided."""

    orders: dict[str, str] = field(default_factory=dict[str, str])
    paid: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    charged: set[str] = field(default_factory=set[str])
    refunds: dict[str, int] = field(default_factory=dict[str, int])
    answers: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    recovered_seconds: list[float] = field(default_factory=list[float])
    """From the moment that PostgreSQL takes connections again to the first order that a server takes."""
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def told_code(self, key: str, code: str) -> None:
        """A key was answered with an order."""
        before = self.orders.setdefault(key, code)
        if before != code:
            self.wrong.append(f"the key of order {before} was answered with {code} too")
        self.news.set()

    def told_paid(self, code: str, tickets: set[str]) -> None:
        """An order was called paid, with these tickets."""
        before = self.paid.setdefault(code, tickets)
        if before != tickets:
            self.wrong.append(f"order {code} was shown with other tickets than before")
