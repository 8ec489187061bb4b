"""Who may see an order without signing in: whoever holds its access token."""

import hmac
from base64 import urlsafe_b64encode

from boxoffice.foundation.signing import derived_key
from boxoffice.orders.order import Order


def access_token(secret_key: str, order: Order) -> str:
    """The order's token, 43 characters: an HMAC of its id and revision, so it need not be stored to be given again."""
    message = f"{order.event_id}:{order.id}:{order.revision}".encode()
    digest = hmac.digest(derived_key(secret_key, "order access"), message, "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def may_see(secret_key: str, order: Order, token: str) -> bool:
    """Whether `token` is the order's own, compared in constant time."""
    return hmac.compare_digest(access_token(secret_key, order).encode(), token.encode())
