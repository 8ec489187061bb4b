"""Who may see an order without signing in: whoever holds its access token."""

import hmac
from base64 import urlsafe_b64encode
from typing import Protocol
from uuid import UUID

from boxoffice.foundation.signing import derived_key


class HasAccess(Protocol):
    """An order, as far as its token goes."""

    @property
    def event_id(self) -> UUID: ...
    @property
    def id(self) -> UUID: ...
    @property
    def revision(self) -> int: ...


def access_token(secret_key: str, order: HasAccess) -> str:
    """The order's token, 43 characters: an HMAC of its id and revision, so it need not be stored to be given again."""
    message = f"{order.event_id}:{order.id}:{order.revision}".encode()
    digest = hmac.digest(derived_key(secret_key, "order access"), message, "sha256")
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def may_see(secret_key: str, order: HasAccess, token: str) -> bool:
    """Whether `token` is the order's own, compared in constant time."""
    return hmac.compare_digest(access_token(secret_key, order).encode(), token.encode())
