"""The problem that a wallet's own service did not take what we told it."""

from boxoffice.foundation.problems import Unavailable


class NotTold(Unavailable):
    """Apple or Google did not take it now; it is told again later."""

    type = "wallet_not_told"
