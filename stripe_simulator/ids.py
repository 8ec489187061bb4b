"""Identifiers in the shapes that Stripe's have; nobody may parse them, but logs and column widths should fit.

Objects of one payment share the sixteen characters after the prefix: version digit 3, five of time, ten of account.
"""

import string
from random import Random

ACCOUNT = "acct_1Sim00StandIn001"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
EPOCH = 1_300_000_000

MADE_DIRECTLY = "1"
MADE_BY_A_PAYMENT = "3"


class Ids:
    """Makes identifiers from a source of randomness and the moment given."""

    def __init__(self, random: Random, account: str = ACCOUNT) -> None:
        self.random = random
        self.account_part = account[-10:]

    def made(self, prefix: str, at: int) -> str:
        """An object made by a call of its own: `price_1...`, `we_1...`, `evt_1...`."""
        return f"{prefix}_{MADE_DIRECTLY}{self._time(at)}{self.account_part}{self.characters(8)}"

    def payment(self, prefix: str, at: int) -> str:
        """The first object of a payment: `pi_3...`."""
        return f"{prefix}_{MADE_BY_A_PAYMENT}{self._time(at)}{self.account_part}{self.characters(8)}"

    def related(self, prefix: str, payment_id: str) -> str:
        """A further object of the payment that `payment_id` belongs to: `ch_3...`, `evt_3...`."""
        return f"{prefix}_{payment_id.split('_', 1)[1][:16]}{self.characters(8)}"

    def short(self, prefix: str) -> str:
        """Customers and products: fourteen characters."""
        return f"{prefix}_{self.characters(14)}"

    def session(self) -> str:
        return f"cs_test_a1{self.characters(56)}"

    def secret(self, prefix: str) -> str:
        """A webhook signing secret: `whsec_` and thirty-two characters."""
        return f"{prefix}_{self.characters(32)}"

    def characters(self, count: int) -> str:
        """Random letters and digits."""
        number = self.random.getrandbits(count * 6)
        letters: list[str] = []
        for _ in range(count):
            number, rest = divmod(number, 64)
            letters.append(ALPHABET[rest % 62])
        return "".join(letters)

    def _time(self, at: int) -> str:
        number = max(at - EPOCH, 0)
        letters: list[str] = []
        for _ in range(5):
            number, rest = divmod(number, 62)
            letters.append(ALPHABET[rest])
        return "".join(reversed(letters))
