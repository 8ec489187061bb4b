"""Creates a Checkout Session: checks the rules, adds up the lines, answers an open session."""

from typing import Any

from stripe_simulator.api import metadata
from stripe_simulator.api.call import Call
from stripe_simulator.checkout import rules
from stripe_simulator.checkout.discount import discounted
from stripe_simulator.checkout.lines import line_items
from stripe_simulator.shapes import shape
from stripe_simulator.store.record import Record

Json = dict[str, Any]

DEFAULT_LIFE = 24 * 3600

COPIED = (
    "allow_promotion_codes",
    "allowed_payment_method_types",
    "billing_address_collection",
    "cancel_url",
    "client_reference_id",
    "customer_email",
    "excluded_payment_method_types",
    "integration_identifier",
    "locale",
    "name_collection",
    "origin_context",
    "payment_method_options",
    "return_url",
    "shipping_address_collection",
    "submit_type",
    "success_url",
)
"""Parameters that stand in the session as they were given."""


async def create_session(call: Call) -> Record:
    """An open session with its url; prices and products made inline are written with it."""
    given = call.params
    rules.check(call)
    customer = await call.named("customer", "customer")
    items = await line_items(call.unit, given.get("line_items") or [])
    discounts = await discounted(call.unit, items, given.get("discounts"))
    currency = items[0]["currency"]
    total = sum(item["amount_total"] for item in items)
    rules.check_total(total, currency)
    session_id = call.unit.ids.session()
    ui_mode = given.get("ui_mode", "hosted_page")
    hosted = ui_mode == "hosted_page"
    doc = shape(
        "checkout.session",
        id=session_id,
        object="checkout.session",
        **_sums(items),
        **_defaults(given),
        client_secret=None if hosted else f"{session_id}_secret_{call.unit.ids.characters(48)}",
        created=call.at,
        currency=currency,
        customer=customer.id if customer else None,
        custom_fields=_custom_fields(given.get("custom_fields") or []),
        discounts=discounts,
        expires_at=given.get("expires_at", call.at + DEFAULT_LIFE),
        metadata=metadata.fresh(given.get("metadata")),
        mode="payment",
        payment_status="unpaid",
        status="open",
        ui_mode=ui_mode,
        url=page_url(call.world.settings.base_url, session_id) if hosted else None,
    )
    doc.update({name: given[name] for name in COPIED if given.get(name) is not None})
    call.unit.later("expire_session", session_id, float(doc["expires_at"]))
    return call.unit.make(
        "checkout.session", doc, line_items=items, payment_intent_data=given.get("payment_intent_data") or {}
    )


def page_url(base_url: str, session_id: str) -> str:
    """Where the buyer pays."""
    return f"{base_url}/c/pay/{session_id}"


def _sums(items: list[Json]) -> Json:
    """What the lines add up to."""
    return {
        "amount_subtotal": sum(item["amount_subtotal"] for item in items),
        "amount_total": sum(item["amount_total"] for item in items),
        "total_details": {
            "amount_discount": sum(item["amount_discount"] for item in items),
            "amount_shipping": 0,
            "amount_tax": 0,
        },
    }


def _defaults(given: Json) -> Json:
    """The parts of a session that are always there."""
    automatic_tax: bool = (given.get("automatic_tax") or {}).get("enabled", False)
    custom_text: Json = given.get("custom_text") or {}
    return {
        "adaptive_pricing": given.get("adaptive_pricing") or {"enabled": False},
        "automatic_tax": shape(
            "payment_pages_checkout_session_automatic_tax",
            enabled=automatic_tax,
            liability={"type": "self"} if automatic_tax else None,
            status="requires_location_inputs" if automatic_tax else None,
        ),
        "branding_settings": _branding(given.get("branding_settings") or {}),
        "custom_text": shape(
            "payment_pages_checkout_session_custom_text",
            **{name: custom_text[name] for name in custom_text if custom_text[name]},
        ),
        "consent_collection": _shaped(
            "payment_pages_checkout_session_consent_collection", given.get("consent_collection")
        ),
        "permissions": _shaped("payment_pages_checkout_session_permissions", given.get("permissions")),
        "customer_creation": given.get("customer_creation", "if_required"),
        "invoice_creation": {
            "enabled": False,
            "invoice_data": shape("payment_pages_checkout_session_invoice_settings", metadata={}),
        },
        "livemode": False,
        "payment_method_collection": given.get("payment_method_collection", "if_required"),
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": rules.method_types(given),
        "phone_number_collection": given.get("phone_number_collection") or {"enabled": False},
        "shipping_options": [],
        "tax_id_collection": {"enabled": False, "required": "never", **(given.get("tax_id_collection") or {})},
    }


def _shaped(schema: str, given: Json | None) -> Json | None:
    return shape(schema, **given) if given else None


def _branding(given: Json) -> Json:
    return shape(
        "payment_pages_checkout_session_branding_settings",
        background_color=given.get("background_color", "#ffffff"),
        border_style=given.get("border_style", "rounded"),
        button_color=given.get("button_color", "#4b3fd6"),
        display_name=given.get("display_name", "Simulated account"),
        font_family=given.get("font_family", "default"),
    )


def _custom_fields(given: list[Json]) -> list[Json]:
    return [
        {
            "key": field["key"],
            "label": field["label"],
            "optional": field.get("optional", False),
            "type": field["type"],
            field["type"]: _custom_field_body(field),
        }
        for field in given
    ]


def _custom_field_body(field: Json) -> Json:
    kind: str = field["type"]
    body: Json = field.get(kind) or {}
    if kind == "dropdown":
        return {"default_value": body.get("default_value"), "options": body["options"], "value": None}
    return shape(f"payment_pages_checkout_session_custom_fields_{kind}", **body)
