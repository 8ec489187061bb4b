"""What `boxoffice doctor` sees of Stripe and of the way back from it: one row a fact, against the simulator."""

from collections.abc import Awaitable, Callable

import pytest

from boxoffice.doctor import stripe_account, webhook
from boxoffice.doctor.examine import examine
from boxoffice.doctor.finding import Finding
from boxoffice.doctor.patient import Patient
from boxoffice.orders.on_stripe import NEEDED
from boxoffice.settings import read_environment
from tests.shop import STRIPE_KEY, WEBHOOK_SECRET, Json, Shop
from tests.shop_fixtures import shop_environment

Change = Callable[[Shop], Awaitable[object]]


async def nothing(_shop: Shop) -> None:
    """As it is."""


async def key_is_rolled(shop: Shop) -> None:
    await shop.fault("key_expired", count=None)


async def key_is_restricted(shop: Shop) -> None:
    await shop.fault("key_not_allowed", "GET /v1/account", count=None)


async def key_may_not_sell(shop: Shop) -> None:
    await shop.fault("key_not_allowed", "POST /v1/checkout/sessions", count=None)


async def key_may_not_read_endpoints(shop: Shop) -> None:
    await shop.fault("key_not_allowed", "GET /v1/webhook_endpoints", count=None)


async def stripe_is_down(shop: Shop) -> None:
    await shop.fault("server_error", count=None)


async def account_is_not_activated(shop: Shop) -> None:
    await shop.control("account", charges_enabled=False)


async def account_settles_elsewhere(shop: Shop) -> None:
    await shop.control("account", default_currency="usd")


async def clocks_differ(shop: Shop) -> None:
    await shop.control("clock/advance", seconds=30)


async def clocks_differ_by_minutes(shop: Shop) -> None:
    await shop.control("clock/advance", seconds=600)


async def change_endpoint(shop: Shop, **how: object) -> None:
    (endpoint,) = await endpoints(shop)
    answer = await shop.stripe.post(f"/v1/webhook_endpoints/{endpoint['id']}", data=how, auth=(STRIPE_KEY, ""))
    assert answer.status_code == 200, answer.text


async def endpoints(shop: Shop) -> list[Json]:
    return (await shop.stripe.get("/v1/webhook_endpoints", auth=(STRIPE_KEY, ""))).json()["data"]


async def endpoint_is_disabled(shop: Shop) -> None:
    await change_endpoint(shop, disabled="true")


async def endpoint_is_gone(shop: Shop) -> None:
    (endpoint,) = await endpoints(shop)
    await shop.stripe.delete(f"/v1/webhook_endpoints/{endpoint['id']}", auth=(STRIPE_KEY, ""))


async def endpoint_misses_one(shop: Shop) -> None:
    await shop.listen(*NEEDED[:2])


async def endpoint_hears_what_is_needed(shop: Shop) -> None:
    await shop.listen(*NEEDED)


async def endpoint_is_old(shop: Shop) -> None:
    await shop.control(
        "webhook_endpoints/ensure",
        url=f"{shop.url}/api/webhook",
        secret=WEBHOOK_SECRET,
        api_version="2025-03-31.basil",
    )


async def deliveries_fail(shop: Shop) -> None:
    await shop.control("webhook_endpoints/ensure", url=f"{shop.url}/api/webhook", secret="whsec_of_another_endpoint")
    shop.core.world.clock.offset = -300.0  # type: ignore[attr-defined]
    await shop.pay(await shop.ordered())


TABLE: list[tuple[Change, str, str, str]] = [
    # what is changed, the level of which line, and words of what is seen and to be done
    (nothing, "ok", "Stripe key", "valid, account acct_"),
    (nothing, "ok", "Stripe mode", "a stand-in at http://127.0.0.1:"),
    (nothing, "ok", "Stripe account", "takes payments"),
    (nothing, "ok", "Stripe currency", "payouts in EUR"),
    (nothing, "ok", "Stripe clock", "within 5 s"),
    (nothing, "ok", "Stripe API version", "named by every call"),
    (nothing, "ok", "Stripe checkout", "a session in EUR was made and ended at once, unpaid"),
    (nothing, "ok", "webhook endpoint", "is enabled"),
    (nothing, "ok", "webhook events", "all"),
    (nothing, "ok", "webhook deliveries", "none failed"),
    (nothing, "ok", "webhook secret", "a delivery signed with it is taken"),
    (nothing, "ok", "forged delivery", "refused with 400"),
    (key_is_rolled, "problem", "Stripe key", "Copy STRIPE_SECRET_KEY again"),
    (key_is_restricted, "warning", "Stripe key", "Allow the restricted key to read the account"),
    (key_is_restricted, "ok", "Stripe checkout", "a session in EUR was made"),
    (key_may_not_sell, "problem", "Stripe checkout", "Give it these permissions: Checkout Sessions"),
    (key_may_not_read_endpoints, "warning", "webhook endpoint", "Allow the restricted key to read Webhook Endpoints"),
    (stripe_is_down, "problem", "Stripe", "nothing answers at http://127.0.0.1:"),
    (stripe_is_down, "warning", "webhook endpoint", "Run this again when Stripe answers"),
    (stripe_is_down, "ok", "webhook secret", "a delivery signed with it is taken"),
    (account_is_not_activated, "warning", "Stripe account", "Finish the activation"),
    (account_settles_elsewhere, "warning", "Stripe currency", "payouts in USD, all nights in EUR"),
    (clocks_differ, "warning", "Stripe clock", "s ahead of this machine's clock"),
    (clocks_differ_by_minutes, "problem", "Stripe clock", "Set this machine's clock by NTP"),
    (endpoint_is_disabled, "problem", "webhook endpoint", "Enable it in Stripe's Dashboard"),
    (endpoint_is_gone, "ok", "webhook endpoint", "stripe listen --forward-to localhost:"),
    (endpoint_misses_one, "problem", "webhook events", "Add payment_intent.payment_failed to the endpoint"),
    (endpoint_hears_what_is_needed, "warning", "webhook events", "Add checkout.session.expired"),
    (endpoint_is_old, "warning", "webhook API version", "events come as of 2025-03-31.basil"),
    (deliveries_fail, "warning", "webhook deliveries", "of the last day failed or wait"),
]


@pytest.mark.parametrize("change", dict.fromkeys(row[0] for row in TABLE), ids=lambda change: change.__name__)
async def test_what_doctor_sees_of_stripe(shop: Shop, change: Change) -> None:
    await change(shop)
    findings = await _findings(patient_of(shop))
    for row, level, what, words in TABLE:
        if row is change:
            (finding,) = [finding for finding in findings if finding.what == what]
            assert (finding.level, words in f"{finding.saw} -> {finding.do}") == (level, True), finding
    assert all(bool(finding.do) == (finding.level != "ok") for finding in findings)
    assert all(secret not in str(findings) for secret in (STRIPE_KEY, WEBHOOK_SECRET))
    assert await shop.count("orders") == (1 if change is deliveries_fail else 0)
    await shop.stripe.delete("/_control/faults")
    sessions = await shop.sessions()
    assert {session["status"] for session in sessions} <= {"expired", "complete"}


async def test_a_public_address_needs_an_endpoint_and_similar_ones_are_named(shop: Shop) -> None:
    public = {"BASE_URL": "http://192.0.2.1"}
    patient = patient_of(shop, **public)
    findings = await webhook.examine(patient)
    await patient.close()
    (endpoint,) = [finding for finding in findings if finding.what == "webhook endpoint"]
    assert endpoint.level == "problem"
    assert f"none for http://192.0.2.1/api/webhook; there is {shop.url}/api/webhook" in endpoint.saw
    assert "Add an endpoint http://192.0.2.1/api/webhook" in endpoint.do


async def test_a_secret_that_the_server_does_not_have_is_found(shop: Shop) -> None:
    patient = patient_of(shop, STRIPE_WEBHOOK_SECRET=f"{WEBHOOK_SECRET},whsec_of_another_endpoint")
    findings = {finding.what: finding for finding in await webhook.examine(patient)}
    assert findings["webhook secret 1"].level == "ok"
    assert findings["webhook secret 2"].level == "problem"
    assert "Restart the server" in findings["webhook secret 2"].do
    await patient.close()


async def test_trials_leave_one_row_and_no_order(shop: Shop) -> None:
    for _ in range(3):
        await _findings(patient_of(shop))
    async with shop.box.db.transaction() as connection:
        rows = await connection.fetch("SELECT type, outcome FROM stripe_event WHERE type LIKE 'boxoffice.%'")
    assert [tuple(row) for row in rows] == [("boxoffice.doctor", "nothing_to_do")]
    assert (await shop.count("orders"), await shop.count("ticket")) == (0, 0)


async def test_a_live_key_makes_no_session_unless_asked(shop: Shop) -> None:
    keys = {"STRIPE_SECRET_KEY": "sk_live_canary1234", "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET}
    reading = read_environment({"SECRET_KEY": "x" * 8, "BASE_URL": "https://tickets.example"} | keys)
    assert reading.settings.stripe is not None
    # The key's own account cannot be asked here, so the simulator's answers stand in for its reading.
    patient = Patient(reading, None, patient_of(shop).stripe)
    findings = {finding.what: finding for finding in await stripe_account.examine(patient)}
    assert findings["Stripe mode"].saw == "live: real money moves"
    assert "--live" in findings["Stripe checkout"].saw
    await patient.close()
    assert await shop.sessions() == []


async def test_everything_at_once_while_nobody_works(shop: Shop) -> None:
    patient = patient_of(shop)
    found = await examine(patient)
    problems = [finding for findings in found.values() for finding in findings if finding.level == "problem"]
    assert [finding.what for finding in problems] == ["worker"]
    await shop.tick()
    found = await examine(patient)
    await patient.close()
    assert [finding.what for finding in found["Worker"]] == ["cron", "work"]
    assert {finding.level for findings in found.values() for finding in findings} == {"ok"}


def patient_of(shop: Shop, **changes: str) -> Patient:
    """As on the machine where the shop runs."""
    database_url = shop.box.settings.database_url
    stripe_url = shop.core.world.settings.base_url
    return Patient.of(read_environment(shop_environment(database_url, shop.url, stripe_url) | changes))


async def _findings(patient: Patient) -> list[Finding]:
    try:
        return [*await stripe_account.examine(patient), *await webhook.examine(patient)]
    finally:
        await patient.close()
