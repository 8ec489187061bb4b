"""The way back from Stripe: its endpoint, what that hears, what was not delivered, and our own answer to a delivery."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
import msgspec

from boxoffice.doctor.finding import Finding, ok, problem, warning
from boxoffice.doctor.patient import SECONDS, Patient
from boxoffice.orders.on_stripe import EVENTS, NEEDED
from boxoffice.payments.stripe import KeyNotAllowed, KeyUnknown, Stripe, StripeProblem, api_version, sign
from boxoffice.payments.stripe_objects import WebhookEndpoint

PATH = "/api/webhook"
WRONG_SECRET = "whsec_a_secret_that_nobody_has"  # noqa: S105 - it must not fit
SLOW_SECONDS = 2.0
UNDER_WAY = timedelta(minutes=1)
"""A younger delivery may still be under way."""
TRIAL = "evt_trial_of_boxoffice_doctor"
"""Always the same id, so that at most one row is kept of all trials; its type changes nothing."""


async def examine(patient: Patient) -> list[Finding]:
    """What Stripe says of its endpoints, without repeating that its key is wrong; then our own answers."""
    if patient.settings.stripe is None:
        return []
    findings: list[Finding] = []
    if patient.stripe is not None:
        try:
            findings += await _endpoints(patient, patient.stripe)
        except KeyNotAllowed:
            do = "Allow the restricted key to read Webhook Endpoints and Events, or look in Stripe's Dashboard."
            findings.append(warning("webhook endpoint", "the key may not read the endpoints", do))
        except KeyUnknown:
            pass
        except StripeProblem:
            do = "Run this again when Stripe answers."
            findings.append(warning("webhook endpoint", "not seen: Stripe does not answer", do))
    return [*findings, *await _deliver(patient)]


async def _endpoints(patient: Patient, stripe: Stripe) -> list[Finding]:
    url = f"{patient.settings.base_url}{PATH}"
    endpoints = await stripe.webhook_endpoints()
    ours = [one for one in endpoints if one.url == url]
    if not ours:
        return [_missing(patient, endpoints, url)]
    enabled = [one for one in ours if one.status == "enabled"]
    if not enabled:
        do = "Enable it in Stripe's Dashboard, Webhooks: Stripe or a person switched it off."
        return [problem("webhook endpoint", f"{url} is disabled", do)]
    findings = [ok("webhook endpoint", f"{url} is enabled")]
    if len(enabled) > 1:
        do = "Delete all but one; each sends its own copy, signed with its own secret."
        findings.append(warning("webhook endpoint", f"{len(enabled)} endpoints have this address", do))
    return [*findings, *_events(enabled[0]), _version(enabled[0]), *await _undelivered(stripe)]


def _missing(patient: Patient, endpoints: list[WebhookEndpoint], url: str) -> Finding:
    what = "webhook endpoint"
    if patient.at_home:
        saw = "none is expected on this machine: Stripe's command line passes events on"
        address = urlsplit(url)
        return ok(what, f"{saw} (`stripe listen --forward-to {address.netloc}{PATH}`, whose secret it prints)")
    near = [one.url for one in endpoints if urlsplit(one.url).hostname == urlsplit(url).hostname or PATH in one.url]
    saw = f"none for {url}" + (f"; there is {', '.join(near)}" if near else "")
    do = f"Add an endpoint {url} in Stripe's Dashboard, Webhooks, for {', '.join(NEEDED)}, and set its secret."
    return problem(what, saw, do)


def _events(endpoint: WebhookEndpoint) -> list[Finding]:
    what = "webhook events"
    if "*" in endpoint.events:
        return [ok(what, "all")]
    missing = [name for name in NEEDED if name not in endpoint.events]
    slower = [name for name in EVENTS if name not in endpoint.events and name not in NEEDED]
    if missing:
        do = f"Add {', '.join(missing)} to the endpoint in Stripe's Dashboard, Webhooks."
        return [problem(what, f"{len(missing)} that are needed are missing", do)]
    if slower:
        do = f"Add {', '.join(slower)}: what they tell is else found by repair, minutes later."
        return [warning(what, "all that is needed; some would be faster", do)]
    return [ok(what, "all that is worked")]


def _version(endpoint: WebhookEndpoint) -> Finding:
    what, ours = "webhook API version", api_version()
    if endpoint.api_version == ours:
        return ok(what, ours)
    theirs = endpoint.api_version or "the account's default"
    do = f"Make a new endpoint with version {ours} and its new secret, then delete this one: versions stay as made."
    return warning(what, f"events come as of {theirs}, calls as of {ours}", do)


async def _undelivered(stripe: Stripe) -> list[Finding]:
    now = datetime.now(UTC)
    listed = await stripe.undelivered_events(now - timedelta(days=1), now - UNDER_WAY)
    failed = [event for event in listed if event.type in EVENTS]
    if not failed:
        return [ok("webhook deliveries", "none failed in the last day")]
    saw = f"{len(failed)} of the last day failed or wait, the newest {failed[0].id} ({failed[0].type})"
    do = "See the answers in Stripe's Dashboard, Webhooks; the worker reads these events by itself meanwhile."
    return [warning("webhook deliveries", saw, do)]


async def _deliver(patient: Patient) -> list[Finding]:
    """Signed deliveries of our own, as Stripe would make them: one that fits for each secret, and one that does not."""
    keys = patient.settings.stripe
    assert keys is not None
    url = f"{patient.settings.base_url}{PATH}"
    findings: list[Finding] = []
    async with httpx.AsyncClient(timeout=SECONDS, trust_env=not patient.at_home) as web:
        try:
            for number, secret in enumerate(keys.webhook_secrets, 1):
                which = f" {number}" if len(keys.webhook_secrets) > 1 else ""
                answer = await _post(web, url, secret, livemode=keys.livemode)
                findings.append(_fitting(f"webhook secret{which}", answer))
            answer = await _post(web, url, WRONG_SECRET, livemode=keys.livemode)
        except httpx.HTTPError as error:
            do = "Start the box office (`boxoffice serve`), or correct BASE_URL, and run this again."
            saw = f"not tried: {url} does not answer ({type(error).__name__})"
            level = warning if patient.at_home else problem
            return [*findings, level("webhook secret", saw, do)]
    if answer.is_success:
        do = "Stop selling: whoever answers at BASE_URL takes forged payments."
        findings.append(problem("forged delivery", f"taken, with {answer.status_code}", do))
    elif answer.status_code == 400:  # noqa: PLR2004 - what a bad signature is answered with
        findings.append(ok("forged delivery", "refused with 400"))
    return findings


async def _post(web: httpx.AsyncClient, url: str, secret: str, *, livemode: bool) -> httpx.Response:
    event = {
        "id": TRIAL,
        "object": "event",
        "type": "boxoffice.doctor",
        "livemode": livemode,
        "data": {"object": {"id": TRIAL, "object": "trial"}},
    }
    raw = msgspec.json.encode(event)
    signature = sign(raw, secret, datetime.now(UTC))
    headers = {"Stripe-Signature": signature, "Content-Type": "application/json; charset=utf-8"}
    return await web.post(url, content=raw, headers=headers)


def _fitting(what: str, answer: httpx.Response) -> Finding:
    seconds, status = answer.elapsed.total_seconds(), answer.status_code
    if answer.is_success and seconds > SLOW_SECONDS:
        do = "Look at the database's distance and load: Stripe's payment page waits for this answer."
        return warning(what, f"a delivery signed with it is taken, in {seconds:.1f} s", do)
    if answer.is_success:
        return ok(what, "a delivery signed with it is taken")
    if status == 400:  # noqa: PLR2004
        do = (
            "Restart the server with this environment; if Stripe's deliveries fail too, copy the endpoint's own secret."
        )
        return problem(what, "the running server refuses it: it has another secret", do)
    if answer.is_redirect:
        to = answer.headers.get("location", "elsewhere")
        do = "Set BASE_URL, and Stripe's endpoint, to the final address: Stripe follows no redirects."
        return problem(what, f"not tried: {PATH} redirects to {to}", do)
    if status in (401, 403):
        do = f"Let {PATH} through without a password (on Vercel: Deployment Protection)."
        return problem(what, f"not tried: something in front answers {status}", do)
    if status == 503:  # noqa: PLR2004
        do = "Restart the server with this environment, and see the lines about the database."
        return problem(what, "the running server has no Stripe keys, or its database is away", do)
    return problem(what, f"a delivery is answered with {status}", "Look into the server's log, and at BASE_URL.")
