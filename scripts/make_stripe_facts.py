"""Make `stripe_simulator/facts.json` from a table of facts about Stripe's API.

    python scripts/make_stripe_facts.py OPENAPI_FACTS.json

The input is Stripe's OpenAPI document reduced to names, types, enums and limits. What the simulator serves is
kept, identical subtrees are stored once, and the additions of the later release family are applied, so that
the table describes the version that the official SDK names on every call.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

Json = dict[str, Any]

VERSION = "2026-10-28.endive"
TARGET = Path(__file__).parent.parent / "stripe_simulator" / "facts.json"

SERVED_PATHS = (
    "/v1/account",
    "/v1/balance",
    "/v1/balance_transactions",
    "/v1/charges",
    "/v1/checkout/sessions",
    "/v1/coupons",
    "/v1/customers",
    "/v1/disputes",
    "/v1/events",
    "/v1/payment_intents",
    "/v1/payment_methods",
    "/v1/payouts",
    "/v1/prices",
    "/v1/products",
    "/v1/promotion_codes",
    "/v1/refunds",
    "/v1/webhook_endpoints",
)
UNSERVED_PARTS = (
    "/search",
    "/balance/history",
    "/customers/{customer}/",
    "/products/{product}/features",
    "/charges/{charge}/dispute",
    "/charges/{charge}/refund",
    "amount_details_line_items",
    "apply_customer_balance",
    "increment_authorization",
    "/payouts/{payout}/",
    "verify_microdeposits",
)
SERVED_RESOURCES = (
    "account",
    "balance",
    "balance_transaction",
    "charge",
    "checkout.session",
    "coupon",
    "customer",
    "dispute",
    "event",
    "item",
    "payment_intent",
    "payment_method",
    "payout",
    "price",
    "product",
    "promotion_code",
    "refund",
    "review",
    "webhook_endpoint",
)
SERVED_METHODS = ("card", "sepa_debit", "us_bank_account")
PER_METHOD_SCHEMAS = (
    "checkout_session_payment_method_options",
    "payment_intent_payment_method_options",
    "payment_method",
    "payment_method_details",
    "payment_intent_next_action",
    "refund_destination_details",
)


def main() -> None:
    source = json.loads(Path(sys.argv[1]).read_text())
    schemas: Json = source["components"]["schemas"]
    requests = {
        f"{method.upper()} {path}": request_tree(operation)
        for path, operations in source["paths"].items()
        for method, operation in operations.items()
        if is_served(path)
    }
    objects = response_objects(schemas)
    add_endive_requests(requests)
    add_endive_objects(objects)
    facts = share_subtrees({"requests": requests, "objects": objects})
    TARGET.write_text(json.dumps({"version": VERSION, **facts}, separators=(",", ":"), sort_keys=True) + "\n")
    print(f"{TARGET}: {TARGET.stat().st_size // 1024} KB, {len(requests)} requests, {len(objects)} objects")


def is_served(path: str) -> bool:
    """Whether the simulator answers this path."""
    below = any((path + "/").startswith(served + "/") for served in SERVED_PATHS)
    return below and not any(part in path for part in UNSERVED_PARTS)


def request_tree(operation: Json) -> Json:
    """The parameters of one request as an object node: query and form alike."""
    tree: Json = {"t": "object", "p": {}}
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "query":
            tree["p"][parameter["name"]] = parameter_node(parameter["schema"])
            if parameter.get("required"):
                tree.setdefault("r", []).append(parameter["name"])
    for content in operation.get("requestBody", {}).get("content", {}).values():
        form = parameter_node(content["schema"])
        tree["p"].update(form.get("p", {}))
        tree.setdefault("r", []).extend(form.get("r", []))
    return tree


def parameter_node(schema: Json) -> Json:
    """One parameter: its type, its limits, and whether an empty string unsets it."""
    if "anyOf" in schema:
        options = [parameter_node(option) for option in schema["anyOf"]]
        real = [option for option in options if option.get("enum") != [""]]
        node = real[0] if len(real) == 1 else {"t": "any", "of": real}
        return node if len(real) == len(options) else {**node, "empty": 1}
    node: Json = {"t": schema.get("type", "string")}
    if "enum" in schema:
        node["enum"] = [value for value in schema["enum"] if value != ""] or [""]
        if "" in schema["enum"] and len(schema["enum"]) > 1:
            node["empty"] = 1
    if schema.get("maxLength", 5000) != 5000:
        node["max"] = schema["maxLength"]
    if schema.get("format") in ("unix-time", "currency", "decimal"):
        node["format"] = schema["format"]
    if "items" in schema:
        node["of"] = parameter_node(schema["items"])
    if "properties" in schema:
        node["p"] = {name: parameter_node(child) for name, child in schema["properties"].items()}
        if schema.get("required"):
            node["r"] = schema["required"]
    elif isinstance(schema.get("additionalProperties"), dict):
        node["t"] = "map"
    return node


def response_objects(schemas: Json) -> Json:
    """Every schema reachable from the served resources without expanding into unserved ones."""
    objects: Json = {}
    waiting = [
        *list(SERVED_RESOURCES),
        "deleted_customer",
        "deleted_product",
        "deleted_coupon",
        "deleted_webhook_endpoint",
        "api_errors",
    ]
    while waiting:
        name = waiting.pop()
        if name in objects:
            continue
        found: list[str] = []
        schema = schemas[name]
        properties = {
            key: property_node(child, schemas, found)
            for key, child in schema.get("properties", {}).items()
            if keeps(name, key, child)
        }
        objects[name] = {
            "p": properties,
            "r": [key for key in schema.get("required", []) if key in properties],
        }
        waiting.extend(found)
    return objects


def keeps(schema: str, key: str, child: Json) -> bool:
    """Whether a property belongs to what is served: payment methods that are not simulated are left out."""
    if schema not in PER_METHOD_SCHEMAS:
        return True
    per_method = "$ref" in child or "anyOf" in child
    general = key in ("billing_details", "customer", "redirect_to_url", "use_stripe_sdk", "radar_options")
    return not per_method or general or key in SERVED_METHODS


def property_node(schema: Json, schemas: Json, found: list[str]) -> Json:
    """One property of an answer: type, enum, nullable, the schema it holds and what it expands into."""
    node: Json = {}
    if schema.get("nullable"):
        node["null"] = 1
    if "x-expansionResources" in schema:
        resources = [ref_name(option) for option in schema["x-expansionResources"]["oneOf"]]
        node["t"] = "string"
        node["expands"] = [name for name in resources if name in SERVED_RESOURCES]
        return node
    if "$ref" in schema or "anyOf" in schema:
        options = [schema] if "$ref" in schema else schema["anyOf"]
        names = [ref_name(option) for option in options if "$ref" in option]
        plain = [option["type"] for option in options if "type" in option]
        if plain:
            return {**node, "t": "any"}
        found.append(names[0])
        return {**node, "t": "ref", "ref": names[0]}
    node["t"] = schema.get("type", "any")
    if "enum" in schema:
        node["enum"] = schema["enum"]
    if "items" in schema:
        node["of"] = property_node(schema["items"], schemas, found)
    if "properties" in schema:
        node["p"] = {key: property_node(child, schemas, found) for key, child in schema["properties"].items()}
        node["r"] = schema.get("required", [])
    elif isinstance(schema.get("additionalProperties"), dict):
        node["t"] = "map"
    return node


def ref_name(schema: Json) -> str:
    return schema.get("$ref", "").rsplit("/", 1)[-1]


def add_endive_requests(requests: Json) -> None:
    """What the newest release family adds to the requests that the table was made from."""
    create = requests["POST /v1/checkout/sessions"]["p"]
    create["allowed_payment_method_types"] = create["payment_method_types"]
    create["locale"]["enum"].append("hi-IN")
    create["ui_mode"]["enum"].append("form")
    create["excluded_payment_method_types"]["of"]["enum"].extend(["paypay", "sequra"])
    update = requests["POST /v1/checkout/sessions/{session}"]["p"]
    update["payment_intent_data"] = {
        "t": "object",
        "p": {"metadata": {"t": "map", "empty": 1}, "description": {"t": "string", "max": 1000}},
    }
    tax_details = {"t": "object", "p": {"tax_code": {"t": "string"}}}
    create["line_items"]["of"]["p"]["price_data"]["p"]["product_data"]["p"]["tax_details"] = tax_details
    for path in ("/v1/products", "/v1/products/{id}"):
        requests[f"POST {path}"]["p"]["tax_details"] = tax_details
    webhook = requests["POST /v1/webhook_endpoints"]["p"]
    webhook["api_version"]["enum"].extend(["2026-09-30.endive", VERSION])
    requests["POST /v1/disputes/{dispute}"]["p"]["evidence"]["p"]["appeal"] = {"t": "any", "of": []}
    requests["POST /v1/events/{id}/retry"] = {
        "t": "object",
        "p": {
            "webhook_endpoint": {"t": "string"},
            "account": {"t": "string"},
            "expand": {"t": "array", "of": {"t": "string"}},
            "for_stripecli": {"t": "boolean"},  # what Stripe's command line sends without an endpoint
        },
    }

    add_page_requests(requests)


def add_page_requests(requests: Json) -> None:
    """The hosted page's own API, which no public document describes: what Stripe's command line sends."""
    text = {"t": "string"}
    expand = {"t": "array", "of": text}
    requests["GET /v1/payment_pages/{session}"] = {"t": "object", "p": {"key": text, "expand": expand}}
    requests["POST /v1/payment_pages/{session}/confirm"] = {
        "t": "object",
        "p": {
            "email": text,
            "expand": expand,
            "expected_amount": {"t": "integer"},
            "key": text,
            "payment_method": text,
            "return_url": text,
        },
    }


def add_endive_objects(objects: Json) -> None:
    """What the newest release family adds to the answers."""
    session = objects["checkout.session"]["p"]
    session["allowed_payment_method_types"] = {"t": "array", "null": 1, "of": {"t": "string"}}
    session["locale"]["enum"].append("hi-IN")
    session["ui_mode"]["enum"].append("form")
    objects["payment_intent"]["p"]["payment_record"] = {"t": "string", "null": 1}
    objects["dispute"]["p"]["intended_submission_method"] = {"t": "string", "null": 1}
    objects["dispute"]["p"]["status"]["enum"].extend(["appeal_needs_response", "appeal_under_review"])
    objects["dispute_evidence"]["p"]["appeal"] = {"t": "any", "null": 1}
    objects["dispute_evidence_details"]["p"]["submission_method"] = {"t": "string", "null": 1}
    card = objects["payment_method_details_card"]["p"]
    for key in ("electronic_commerce_indicator", "setup_credential_usage", "stored_credential_usage"):
        card[key] = {"t": "string", "null": 1}


def share_subtrees(facts: Json) -> Json:
    """Store a subtree that occurs more than once under `shared`, and name it where it stood."""
    counts: Counter[str] = Counter()

    def count(node: Any) -> None:
        if isinstance(node, dict):
            counts[json.dumps(node, sort_keys=True)] += 1
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            count(child)

    count(facts)
    shared: Json = {}
    names: dict[str, str] = {}

    def replaced(node: Any) -> Any:
        if isinstance(node, list):
            return [replaced(child) for child in node]
        if not isinstance(node, dict):
            return node
        text = json.dumps(node, sort_keys=True)
        if counts[text] < 2 or len(text) < 60:
            return {key: replaced(child) for key, child in node.items()}
        if text not in names:
            names[text] = f"s{len(names)}"
            shared[names[text]] = {key: replaced(child) for key, child in node.items()}
        return {"same": names[text]}

    return {**replaced(facts), "shared": shared}


if __name__ == "__main__":
    main()
