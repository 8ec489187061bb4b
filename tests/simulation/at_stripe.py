"""Stripe, as far as this world goes: the simulator's own core behind the real SDK, one call a step, with bad luck."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

import stripe

from stripe_simulator.api.answering import Answer, AnswerLost
from stripe_simulator.api.form import parse
from stripe_simulator.checkout.pay import Paid, Payment, payable_session
from stripe_simulator.core import Core
from stripe_simulator.errors import InvalidParameter, NotAllowed
from stripe_simulator.faults import Rule
from stripe_simulator.payments.cards import RefundOutcome
from stripe_simulator.payments.dispute import add_evidence, close_dispute, escalate, open_dispute
from stripe_simulator.payments.instrument import Billing
from stripe_simulator.payments.refund import refund_charge
from stripe_simulator.store.unit import Unit
from tests.simulation.scheduler import Scheduler

Json = dict[str, Any]

MADE_UP_BY_THE_SDK = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NO_FAULT, NEVER_ARRIVED = "none", "never_arrived"
FAULTS = (
    NEVER_ARRIVED,
    "lost_response",
    "rate_limit",
    "conflict",
    "server_error",
    "stored_server_error",
    "lock_timeout",
)
MAY_BECOME = {
    "warning_needs_response": ("answered", "escalated", "warning_closed"),
    "warning_under_review": ("escalated", "warning_closed"),
    "needs_response": ("answered", "won", "lost"),
    "under_review": ("won", "lost"),
    "lost": ("won",),
}
"""What a bank may decide; a lost dispute is won months later."""
TOO_MUCH = ("charge_already_refunded", "charge_disputed")
BALANCE = """
SELECT coalesce(sum((doc ->> 'net')::bigint), 0)::bigint FROM object WHERE kind = 'balance_transaction'
"""
CHARGES = """
SELECT id FROM object WHERE kind = 'charge' AND doc ->> 'status' = 'succeeded' ORDER BY id
"""
DISPUTES = "SELECT id, doc ->> 'status' AS status FROM object WHERE kind = 'dispute' ORDER BY id"
REFUNDS = """
SELECT id, CASE doc ->> 'status' WHEN 'canceled' THEN 'failed' ELSE doc ->> 'status' END AS status,
  (doc ->> 'amount')::bigint AS amount FROM object WHERE kind = 'refund' ORDER BY id
"""
OPEN_SESSIONS = """
SELECT id FROM object WHERE kind = 'checkout.session' AND doc ->> 'status' = 'open'
 AND doc #>> '{metadata,app}' = 'boxoffice'
"""


@dataclass
class AtStripe:
    """The account: calls with their faults, events that wait to be delivered, what buyers do on the hosted page."""

    core: Core
    scheduler: Scheduler
    random: Random
    fault_chance: float
    strange: list[str]
    events: list[Json] = field(default_factory=list[Json])
    next_fault: str | None = None
    """What the next call will meet, whatever the chances."""

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: str | None) -> tuple[str, int, Json]:
        """What the SDK's HTTP client does: two steps, for much may happen between the effect and its answer."""
        parts = urlsplit(url)
        params = parse("&".join(part for part in (parts.query, body or "") if part))
        key = headers.get("Idempotency-Key")
        key = None if key is None or MADE_UP_BY_THE_SDK.fullmatch(key) else key
        method = method.upper()

        async def answer() -> tuple[int, str, Json]:
            fault = self._fault(keyed=key is not None)
            if fault == NEVER_ARRIVED:
                raise stripe.APIConnectionError("the connection was lost before anything was sent")
            if fault != NO_FAULT:
                effect = self.random.random() < 0.5
                self.core.world.faults.add(Rule(fault=fault, effect=effect))  # type: ignore[arg-type]
            try:
                got = await self.core.call(
                    method,
                    parts.path,
                    params,
                    key=headers["Authorization"].removeprefix("Bearer "),
                    idempotency_key=key,
                )
            except AnswerLost as error:
                raise stripe.APIConnectionError("the connection was lost before the answer") from error
            finally:
                self.core.world.faults.remove()
            self._notice(method, parts.path, got)
            return got.status, got.body.decode(), dict(got.headers)

        status, text, answered = await self.scheduler.outside(f"Stripe: {method} {parts.path}", answer)
        await self.scheduler.turn(f"Stripe answers {status}")
        return text, status, answered

    async def pay(self, session_id: str, means: Any, email: str) -> Paid:
        """A buyer presses Pay on the hosted page."""
        payment = Payment(means=means, billing=Billing(email=email, name="A Buyer", country="DE"))
        name = getattr(means, "name", "")
        return await self.scheduler.outside(f"pays with {name}", lambda: self.core.pay(session_id, payment))

    async def authenticate(self, session_id: str, *, proved: bool) -> Paid:
        """A buyer comes back from 3-D Secure."""
        verb = "proves" if proved else "does not prove"
        return await self.scheduler.outside(
            f"{verb} who they are", lambda: self.core.authenticate(session_id, proved=proved)
        )

    async def amend(self, session_id: str, amount_total: int) -> None:
        """A session asks for something else than was ordered."""

        async def verb(unit: Unit) -> None:
            session = await payable_session(self.core.world, unit, session_id)
            if session.doc["status"] == "open":
                session.doc["amount_total"] = amount_total
                unit.put(session)

        await self.scheduler.outside(f"the amount becomes {amount_total}", lambda: self.core.act(verb))

    async def charges(self) -> list[str]:
        """Ids of what was paid."""
        return [row["id"] for row in await self.core.world.database.rows(CHARGES)]

    async def disputes(self) -> dict[str, str]:
        """Id -> status of every dispute."""
        return {row["id"]: row["status"] for row in await self.core.world.database.rows(DISPUTES)}

    async def refunds(self) -> dict[str, tuple[str, int]]:
        """Id -> status and amount of every refund."""
        return {row["id"]: (row["status"], row["amount"]) for row in await self.core.world.database.rows(REFUNDS)}

    async def refund(self, charge_id: str, amount: int | None, outcome: RefundOutcome) -> bool:
        """Somebody refunds in the Dashboard; whether Stripe does it."""

        async def verb(unit: Unit) -> bool:
            charge = await unit.lock("charge", charge_id)
            assert charge is not None
            settings = self.core.world.settings
            await refund_charge(unit, settings, charge, {"amount": amount} if amount else {}, outcome=outcome)
            return True

        return await self._act(f"refunds {amount or 'the rest'} in the Dashboard", verb)

    async def dispute(self, charge_id: str, *, inquiry: bool, part: bool) -> bool:
        """A bank takes a payment back, or a half of it, or asks."""

        async def verb(unit: Unit) -> bool:
            charge = await unit.lock("charge", charge_id)
            assert charge is not None
            others = await unit.of_payment("dispute", charge.doc["payment_intent"])
            left = charge.doc["amount"] - charge.doc["amount_refunded"]
            left -= sum(one.doc["amount"] for one in others if one.doc["status"] not in ("won", "warning_closed"))
            amount = left // 2 if part else left
            if amount > 0:
                open_dispute(unit, charge, inquiry=inquiry, amount=amount)
            return amount > 0

        return await self._act("a bank asks" if inquiry else "a bank disputes", verb)

    async def decide_dispute(self, dispute_id: str, outcome: str) -> bool:
        """A bank decides, or its customer withdraws, which is a win for the seller."""

        async def verb(unit: Unit) -> bool:
            found = await unit.find("dispute", dispute_id)
            assert found is not None
            charge = await unit.lock("charge", found.doc["charge"])
            dispute = await unit.lock("dispute", dispute_id)
            assert charge is not None
            assert dispute is not None
            if outcome not in MAY_BECOME.get(dispute.doc["status"], ()):
                return False
            if outcome == "answered":
                add_evidence(unit, dispute, charge, {"uncategorized_text": "they came"}, submit=True)
            elif outcome == "escalated":
                escalate(unit, dispute)
            else:
                close_dispute(unit, dispute, outcome)
            return True

        return await self._act(f"a dispute is {outcome}", verb)

    async def _act(self, what: str, verb: Callable[[Unit], Awaitable[bool]]) -> bool:
        async def done() -> bool:
            try:
                return await self.core.act(verb)
            except (InvalidParameter, NotAllowed):
                return False

        return await self.scheduler.outside(what, done)

    async def balance(self) -> int:
        """What Stripe holds for us: captured, less what went back and what it keeps; minor units."""
        ((net,),) = await self.core.world.database.rows(BALANCE)
        return net

    async def open_sessions(self) -> list[str]:
        """Sessions of ours that can still be paid."""
        return [row["id"] for row in await self.core.world.database.rows(OPEN_SESSIONS)]

    def _fault(self, *, keyed: bool) -> str:
        if self.next_fault is not None:
            fault, self.next_fault = self.next_fault, None
            return fault
        if self.random.random() >= self.fault_chance:
            return NO_FAULT
        return self.random.choice([fault for fault in FAULTS if keyed or fault != "stored_server_error"])

    def _notice(self, method: str, path: str, got: Answer) -> None:
        """Refusals that our own code must never bring about."""
        if 400 <= got.status < 500 and got.status not in (409, 429) and not path.endswith("/expire"):
            error = got.json()["error"]
            too_much = path == "/v1/refunds" and (error.get("code") in TOO_MUCH or error.get("param") == "amount")
            if error.get("param") != "expires_at" and not too_much:
                self.strange.append(f"Stripe refused {method} {path}: {error}")


class InProcessClient(stripe.HTTPClient):
    """The SDK's way out, into this process."""

    name = "simulation"

    def __init__(self, at: AtStripe) -> None:
        super().__init__()
        self._at = at

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[Any, int, Mapping[str, str]]:
        return await self._at.call(method, url, headers, post_data)

    async def close_async(self) -> None:
        """There is nothing to close."""
