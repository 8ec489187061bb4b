"""Stripe: the key, its mode, its account, the clock, and a session that is made and ended at once."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec

from boxoffice.doctor.finding import Finding, clock_finding, ok, problem, warning
from boxoffice.doctor.patient import Patient
from boxoffice.foundation.db import DATABASE_PROBLEM, Query
from boxoffice.foundation.ids import new_id
from boxoffice.foundation.money import minimum_minor
from boxoffice.orders.pay import APP, SESSION_LIFE
from boxoffice.payments.stripe import KeyNotAllowed, KeyUnknown, Stripe, StripeProblem, api_version
from boxoffice.payments.stripe_objects import Account

CURRENCIES = Query(str, "SELECT DISTINCT currency FROM event WHERE status = 'published' AND ends_at > clock()")
PERMISSIONS = "Checkout Sessions, PaymentIntents, Refunds: write; Events, Webhook Endpoints: read"


async def examine(patient: Patient) -> list[Finding]:
    """Without a key that Stripe takes there is no more to see."""
    stripe, keys = patient.stripe, patient.settings.stripe
    if stripe is None or keys is None:
        if any("STRIPE_" in sentence for sentence in patient.reading.problems):
            return [problem("Stripe", "not asked: its variables are wrong", "Correct the STRIPE_ variables first.")]
        do = "To sell, set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET."
        return [warning("Stripe", "no keys are set: only free tickets can be had", do)]
    findings = [_mode(patient)]
    currencies = await _currencies(patient)
    try:
        account = await stripe.account()
    except KeyNotAllowed:
        do = f"Allow the restricted key to read the account, or go without. It needs: {PERMISSIONS}."
        findings.append(warning("Stripe key", "valid; it may not read its account", do))
        account = None
    except KeyUnknown:
        do = "Copy STRIPE_SECRET_KEY again from Stripe's Dashboard, API keys: this one is rolled, deleted or mistyped."
        return [*findings, problem("Stripe key", "Stripe does not know it", do)]
    except StripeProblem as error:
        return [*findings, _unreachable(patient, error)]
    if account is not None:
        findings.append(ok("Stripe key", f"valid, account {account.id} ({account.country})"))
        findings += _account(account, currencies, livemode=keys.livemode)
    findings.append(ok("Stripe API version", f"{api_version()}, named by every call"))
    return [*findings, await _dry_run(patient, stripe, account, currencies)]


def _unreachable(patient: Patient, error: StripeProblem) -> Finding:
    settings = patient.settings.stripe
    assert settings is not None
    if settings.api_base:
        do = "Start the stand-in (`python -m stripe_simulator`), or unset STRIPE_API_BASE."
        return problem("Stripe", f"nothing answers at {settings.api_base}", do)
    do = "Check that this machine reaches https://api.stripe.com, and https://status.stripe.com."
    return problem("Stripe", f"no answer ({type(error).__name__})", do)


def _mode(patient: Patient) -> Finding:
    settings, keys = patient.settings, patient.settings.stripe
    assert keys is not None
    if keys.api_base:
        return ok("Stripe mode", f"a stand-in at {keys.api_base}: nobody really pays")
    if keys.livemode:
        return ok("Stripe mode", "live: real money moves")
    if settings.production:
        do = "Set the live keys and unset ALLOW_TEST_MODE when the rehearsal is over."
        return warning("Stripe mode", f"test, at the public address {settings.base_url}: nobody really pays", do)
    return ok("Stripe mode", "test: nobody really pays")


def _account(account: Account, currencies: list[str], *, livemode: bool) -> list[Finding]:
    findings: list[Finding] = []
    if account.charges_enabled:
        findings.append(ok("Stripe account", "takes payments"))
    else:
        do = "Finish the activation in Stripe's Dashboard: business, bank account, identity."
        what, saw = "Stripe account", "it is not activated: live payments are refused"
        findings.append(problem(what, saw, do) if livemode else warning(what, saw, do))
    settles = account.default_currency
    if settles:
        foreign = ", ".join(one.upper() for one in currencies if one != settles)
        saw = f"payouts in {settles.upper()}" + (f"; nights sell in {foreign} too" if foreign else "")
        if currencies and settles not in currencies:
            do = f"Add a bank account in {foreign} at Stripe, or live with its fee for converting each payment."
            findings.append(warning("Stripe currency", f"payouts in {settles.upper()}, all nights in {foreign}", do))
        else:
            findings.append(ok("Stripe currency", saw))
    if account.answered_at is not None:
        findings.append(clock_finding("Stripe clock", (account.answered_at - datetime.now(UTC)).total_seconds()))
    return findings


async def _currencies(patient: Patient) -> list[str]:
    if patient.db is not None:
        with suppress(*DATABASE_PROBLEM):
            async with patient.db.transaction() as connection:
                return sorted(await CURRENCIES.all(connection))
    return []


async def _dry_run(patient: Patient, stripe: Stripe, account: Account | None, currencies: list[str]) -> Finding:
    what = "Stripe checkout"
    keys = patient.settings.stripe
    assert keys is not None
    if keys.livemode and not patient.live:
        return ok(what, "not tried with a live key; `boxoffice doctor --live` makes a session and ends it, unpaid")
    settles = account.default_currency if account else None
    currency = currencies[0] if currencies else settles or "eur"
    try:
        session = await stripe.create_session(_parameters(patient, currency), f"doctor:{new_id()}")
        ended = await stripe.expire_session(session.id)
    except KeyNotAllowed:
        return problem(what, "the restricted key may not make sessions", f"Give it these permissions: {PERMISSIONS}.")
    except StripeProblem as error:
        do = "Do what Stripe's sentence says; buyers would meet the same refusal."
        return problem(what, f"no session could be made in {currency.upper()}: {error}", do)
    if ended.status != "expired":
        return problem(what, f"the session is {ended.status}", "Expire it in Stripe's Dashboard; it was only a trial.")
    return ok(what, f"a session in {currency.upper()} was made and ended at once, unpaid")


def _parameters(patient: Patient, currency: str) -> str:
    amount = max(100, minimum_minor(currency))
    line = {"currency": currency, "unit_amount": amount, "product_data": {"name": "Trial of boxoffice doctor"}}
    marker = {"app": APP, "env": patient.settings.base_url, "doctor": "trial"}
    parameters = {
        "mode": "payment",
        "line_items": [{"quantity": 1, "price_data": line}],
        "metadata": marker,
        "payment_intent_data": {"metadata": marker},
        "success_url": f"{patient.settings.base_url}/",
        "expires_at": int((datetime.now(UTC) + SESSION_LIFE + timedelta(minutes=5)).timestamp()),
    }
    return msgspec.json.encode(parameters).decode()
