"""`/v1/account`: the one account that every test key belongs to."""

from typing import Any

from stripe_simulator.api.call import Call
from stripe_simulator.ids import ACCOUNT, EPOCH
from stripe_simulator.shapes import shape

Json = dict[str, Any]


async def retrieve(call: Call) -> Json:
    return {
        "id": ACCOUNT,
        "object": "account",
        "business_profile": shape("account_business_profile", name="Simulated account"),
        "business_type": None,
        "capabilities": {"card_payments": "active", "sepa_debit_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": "IE",
        "created": EPOCH,
        "default_currency": "eur",
        "details_submitted": True,
        "email": "owner@example.com",
        "groups": None,
        "payouts_enabled": True,
        "settings": {
            "branding": shape("account_branding_settings"),
            "card_payments": shape("account_card_payments_settings"),
            "dashboard": shape("account_dashboard_settings", display_name="Simulated account", timezone="Etc/UTC"),
            "payments": shape("account_payments_settings", statement_descriptor="SIMULATED"),
        },
        "type": "standard",
    } | call.world.account
