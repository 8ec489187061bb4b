"""Stripe, as far as this world goes: the simulator's own core behind the real SDK, one call a step, with bad luck."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

import stripe

from stripe_simulator.api.answering import Answer, AnswerLost
from stripe_simulator.api.form import parse
from stripe_simulator.checkout.pay import Paid, Payment, payable_session
from stripe_simulator.core import Core
from stripe_simulator.faults import Rule
from stripe_simulator.payments.instrument import Billing
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
BALANCE = """
SELECT coalesce(sum((doc ->> 'net')::bigint), 0)::bigint FROM object WHERE kind = 'balance_transaction'
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
            if error.get("param") != "expires_at" and error.get("code") != "charge_already_refunded":
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
