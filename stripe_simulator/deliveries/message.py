"""The bytes and headers of one delivery."""

import msgspec

from stripe_simulator.deliveries.delivery import Delivery, DeliveryFault
from stripe_simulator.deliveries.signature import signature_header

HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    "Accept": "*/*; q=0.5, application/xml",
    "Cache-Control": "no-cache",
    "Accept-Encoding": "gzip",
}
NO_FAULT = DeliveryFault()


class EventFields(msgspec.Struct):
    """An event's own fields; the snapshot inside stays as it was written."""

    id: str
    object: str
    api_version: str | None
    created: int
    data: msgspec.Raw
    livemode: bool
    pending_webhooks: int
    request: msgspec.Raw
    type: str


_decode = msgspec.json.Decoder(EventFields).decode


def body_of(delivery: Delivery, api_version: str | None) -> bytes:
    """The event as this endpoint gets it: pretty-printed, in the endpoint's own API version."""
    fields = _decode(delivery.event)
    fault = delivery.fault or NO_FAULT
    fields.api_version = fault.api_version or api_version or fields.api_version
    if fault.wrong_livemode:
        fields.livemode = not fields.livemode
    return msgspec.json.format(msgspec.json.encode(fields), indent=2)


def headers_of(delivery: Delivery, secrets: list[str], now: float, body: bytes) -> dict[str, str]:
    """The headers with a fresh signature: every try is signed anew."""
    fault = delivery.fault or NO_FAULT
    moment = int(now - fault.stale_seconds)
    if fault.wrong_signature:
        secrets = [f"{secret}_wrong" for secret in secrets]
    return {**HEADERS, "Stripe-Signature": signature_header(secrets, moment, body)}
