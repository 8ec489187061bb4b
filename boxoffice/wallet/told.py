"""What stands between us and the wallets' own services."""

from boxoffice.foundation.problems import Unavailable


class NotTold(Unavailable):
    """Apple or Google did not take it now; it is told again later."""

    type = "wallet_not_told"
