"""Which function answers which address."""

from dataclasses import dataclass

from stripe_simulator.api import (
    account,
    balance,
    charges,
    checkout_sessions,
    coupons,
    customers,
    disputes,
    events,
    payment_intents,
    payment_methods,
    payment_pages,
    payouts,
    prices,
    products,
    promotion_codes,
    refunds,
    webhook_endpoints,
)
from stripe_simulator.api.call import Act
from stripe_simulator.errors import UnknownUrl


@dataclass(frozen=True, slots=True)
class Route:
    """`endpoint` is the key into the facts; `answers` the schema of the answer, `list:<schema>` for a list."""

    endpoint: str
    act: Act
    answers: str | None
    publishable: bool = False


ROUTES: tuple[Route, ...] = (
    Route("POST /v1/checkout/sessions", checkout_sessions.create, "checkout.session"),
    Route("GET /v1/checkout/sessions", checkout_sessions.list_all, "list:checkout.session"),
    Route("GET /v1/checkout/sessions/{session}", checkout_sessions.retrieve, "checkout.session"),
    Route("POST /v1/checkout/sessions/{session}", checkout_sessions.update, "checkout.session"),
    Route("POST /v1/checkout/sessions/{session}/expire", checkout_sessions.expire, "checkout.session"),
    Route("GET /v1/checkout/sessions/{session}/line_items", checkout_sessions.line_items, "list:item"),
    Route("POST /v1/payment_intents", payment_intents.create, "payment_intent"),
    Route("GET /v1/payment_intents", payment_intents.list_all, "list:payment_intent"),
    Route("GET /v1/payment_intents/{intent}", payment_intents.retrieve, "payment_intent"),
    Route("POST /v1/payment_intents/{intent}", payment_intents.update, "payment_intent"),
    Route("POST /v1/payment_intents/{intent}/confirm", payment_intents.confirm, "payment_intent"),
    Route("POST /v1/payment_intents/{intent}/cancel", payment_intents.cancel, "payment_intent"),
    Route("POST /v1/payment_intents/{intent}/capture", payment_intents.capture, "payment_intent"),
    Route("POST /v1/charges", charges.create, "charge"),
    Route("GET /v1/charges", charges.list_all, "list:charge"),
    Route("GET /v1/charges/{charge}", charges.retrieve, "charge"),
    Route("POST /v1/charges/{charge}", charges.update, "charge"),
    Route("POST /v1/refunds", refunds.create, "refund"),
    Route("GET /v1/refunds", refunds.list_all, "list:refund"),
    Route("GET /v1/refunds/{refund}", refunds.retrieve, "refund"),
    Route("POST /v1/refunds/{refund}", refunds.update, "refund"),
    Route("POST /v1/refunds/{refund}/cancel", refunds.cancel, "refund"),
    Route("GET /v1/payouts", payouts.list_all, "list:payout"),
    Route("GET /v1/payouts/{payout}", payouts.retrieve, "payout"),
    Route("POST /v1/payment_methods", payment_methods.create, "payment_method", publishable=True),
    Route("GET /v1/payment_methods", payment_methods.list_all, "list:payment_method"),
    Route("GET /v1/payment_methods/{payment_method}", payment_methods.retrieve, "payment_method"),
    Route("POST /v1/payment_methods/{payment_method}", payment_methods.update, "payment_method"),
    Route("POST /v1/payment_methods/{payment_method}/attach", payment_methods.attach, "payment_method"),
    Route("POST /v1/payment_methods/{payment_method}/detach", payment_methods.detach, "payment_method"),
    Route("POST /v1/customers", customers.create, "customer"),
    Route("GET /v1/customers", customers.list_all, "list:customer"),
    Route("GET /v1/customers/{customer}", customers.retrieve, "customer"),
    Route("POST /v1/customers/{customer}", customers.update, "customer"),
    Route("DELETE /v1/customers/{customer}", customers.delete, None),
    Route("POST /v1/products", products.create, "product"),
    Route("GET /v1/products", products.list_all, "list:product"),
    Route("GET /v1/products/{id}", products.retrieve, "product"),
    Route("POST /v1/products/{id}", products.update, "product"),
    Route("DELETE /v1/products/{id}", products.delete, None),
    Route("POST /v1/prices", prices.create, "price"),
    Route("GET /v1/prices", prices.list_all, "list:price"),
    Route("GET /v1/prices/{price}", prices.retrieve, "price"),
    Route("POST /v1/prices/{price}", prices.update, "price"),
    Route("POST /v1/coupons", coupons.create, "coupon"),
    Route("GET /v1/coupons", coupons.list_all, "list:coupon"),
    Route("GET /v1/coupons/{coupon}", coupons.retrieve, "coupon"),
    Route("POST /v1/coupons/{coupon}", coupons.update, "coupon"),
    Route("DELETE /v1/coupons/{coupon}", coupons.delete, None),
    Route("POST /v1/promotion_codes", promotion_codes.create, "promotion_code"),
    Route("GET /v1/promotion_codes", promotion_codes.list_all, "list:promotion_code"),
    Route("GET /v1/promotion_codes/{promotion_code}", promotion_codes.retrieve, "promotion_code"),
    Route("POST /v1/promotion_codes/{promotion_code}", promotion_codes.update, "promotion_code"),
    Route("GET /v1/balance", balance.retrieve, "balance"),
    Route("GET /v1/balance_transactions", balance.list_transactions, "list:balance_transaction"),
    Route("GET /v1/balance_transactions/{id}", balance.retrieve_transaction, "balance_transaction"),
    Route("GET /v1/disputes", disputes.list_all, "list:dispute"),
    Route("GET /v1/disputes/{dispute}", disputes.retrieve, "dispute"),
    Route("POST /v1/disputes/{dispute}", disputes.update, "dispute"),
    Route("POST /v1/disputes/{dispute}/close", disputes.close, "dispute"),
    Route("GET /v1/account", account.retrieve, "account"),
    Route("GET /v1/payment_pages/{session}", payment_pages.retrieve, None, publishable=True),
    Route("POST /v1/payment_pages/{session}/confirm", payment_pages.confirm, None, publishable=True),
    Route("GET /v1/events", events.list_all, "list:event"),
    Route("GET /v1/events/{id}", events.retrieve, "event"),
    Route("POST /v1/events/{id}/retry", events.retry, "event"),
    Route("POST /v1/webhook_endpoints", webhook_endpoints.create, "webhook_endpoint"),
    Route("GET /v1/webhook_endpoints", webhook_endpoints.list_all, "list:webhook_endpoint"),
    Route("GET /v1/webhook_endpoints/{webhook_endpoint}", webhook_endpoints.retrieve, "webhook_endpoint"),
    Route("POST /v1/webhook_endpoints/{webhook_endpoint}", webhook_endpoints.update, "webhook_endpoint"),
    Route("DELETE /v1/webhook_endpoints/{webhook_endpoint}", webhook_endpoints.delete, None),
)


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route of an address and the ids in it. Raises UnknownUrl."""
    steps = path.strip("/").split("/")
    exact = BY_ADDRESS.get((method, path))
    if exact is not None:
        return exact, {}
    for pattern, route in BY_LENGTH.get((method, len(steps)), ()):
        names = {part[1:-1]: step for part, step in zip(pattern, steps, strict=True) if part.startswith("{")}
        if all(part == step or part.startswith("{") for part, step in zip(pattern, steps, strict=True)):
            return route, names
    raise UnknownUrl(method, path)


def _by_length() -> dict[tuple[str, int], list[tuple[list[str], Route]]]:
    sorted_routes: dict[tuple[str, int], list[tuple[list[str], Route]]] = {}
    for route in ROUTES:
        method, address = route.endpoint.split(" ")
        pattern = address.strip("/").split("/")
        sorted_routes.setdefault((method, len(pattern)), []).append((pattern, route))
    return sorted_routes


BY_ADDRESS = {tuple(route.endpoint.split(" ")): route for route in ROUTES if "{" not in route.endpoint}
BY_LENGTH = _by_length()
