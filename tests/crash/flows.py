"""The six flows: what comes before, what is done under the kill, and what people do who got no answer."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import ClassVar
from uuid import uuid4

import httpx

from boxoffice.orders.decide_refund import Wish, decide_refund
from tests.crash import strace
from tests.house import House
from tests.programs import WORKER, Program
from tests.shop import CARD, SLUG, Json, session_of, until
from tests.simulation.invariants import UNDONE

COMPLETED, SUCCEEDED = "checkout.session.completed", "payment_intent.succeeded"
BOXOFFICE = (sys.executable, "-m", "boxoffice")
LATER = 3
"""The step at which whoever does not come back does so all the same, if there is nothing to go on with."""
ASKED_LATER = "read_fee"
"""Stripe knows what it keeps of a payment only after a while, and is asked then."""


class Flow:
    """One flow on its way to a kill. `name` and `about` (how many writes it takes, roughly) are the same for all.

    What happens after an odd number and after an even one differs: whoever was not answered comes back, or does not.
    """

    name: ClassVar[str]
    about: ClassVar[int]
    events: ClassVar[tuple[str, ...]] = ()
    """What Stripe's webhook tells; everything if empty."""

    def __init__(self, house: House, number: int) -> None:
        self.house, self.shop = house, house.shop
        self.number = number
        self.come_back = number % 2 == 1

    async def prepare(self) -> None:
        """What has happened before."""

    async def strike(self) -> bool:
        """Does the flow until the `number`th write; False when it was done before that."""
        raise NotImplementedError

    async def again(self, step: int) -> None:
        """What people do once the programs are up again: at once (step 0), and then every ten seconds."""

    async def unfinished(self) -> list[str]:
        """What is not done after a minute."""
        rows = await self.rows(UNDONE)
        return [f"{kind} is not done: {what}" for kind, what in rows if not what.startswith(ASKED_LATER)]

    async def rows(self, sql: str, *values: object) -> list[tuple[str, ...]]:
        """What a query finds behind the scenes."""
        async with self.shop.box.db.transaction() as connection:
            return [tuple(row) for row in await connection.fetch(sql, *values)]

    async def statuses(self, *orders: Json) -> list[str]:
        """Of these orders, in this order; `none` when there is no such order."""
        found = {row[0]: row[1] for row in await self.rows("SELECT code, status FROM orders")}
        return [found.get(order["code"], "none") for order in orders]

    async def paid(self, quantity: int = 1) -> Json:
        """An order that was paid for, with its mail sent."""
        order = await self.shop.ordered(quantity)
        await self.shop.pay(order)
        await self.shop.tick()
        return order


class _OfServer(Flow):
    """What the web server does. `answers`: the threads are killed at that talk to browsers, not the one that works."""

    answers: ClassVar[bool] = False

    async def act(self) -> None:
        """What somebody asks of the server. Raises httpx.TransportError when it dies."""
        raise NotImplementedError

    async def strike(self) -> bool:
        process = strace.serving_process(self.house.server.pid)
        threads = strace.threads_of(process)
        killer = await strace.attach(self.number, threads[1:] if self.answers else threads[:1])
        acting = asyncio.create_task(self.act())
        try:
            await until(lambda: _either(acting.done, lambda: killer.poll() is not None))
        except BaseException:
            acting.cancel()
            raise
        finally:
            strace.let_go(killer)
        hit = await _dies(process)
        self.house.server.kill()  # in any case: the next point begins with a fresh one too
        try:
            await acting
        except httpx.TransportError:
            assert hit, "the server hung up, and nobody had killed it"
        await self.house.restart()
        return hit


async def _dies(process: int) -> bool:
    """Whether it is dead: who was connected may know a moment before the kernel says so."""
    for _ in range(30):
        if strace.is_dead(process):
            return True
        await asyncio.sleep(0.01)
    return False


class Checkout(_OfServer):
    """Two place orders at the same moment, until the address to pay at is known. One comes back under the key and
    pays (the second one after odd numbers), the other is never seen again."""

    name, about = "checkout", 45
    events = (COMPLETED, SUCCEEDED)

    async def prepare(self) -> None:
        self._type = await self.shop.ticket_type()
        await self.shop.ordered(ticket_type=self._type, email="earlier@example.org")  # everything is warm
        self._keys = [f"key-{uuid4()}" for _ in range(2)]
        self._acknowledged: list[Json] = []
        self._paid: Json | None = None

    async def act(self) -> None:
        answers = await asyncio.gather(*map(self._order, self._keys), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer

    async def again(self, step: int) -> None:
        if self._paid is not None:
            return
        answer = await self.shop.order(2, key=self._keys[self.number % 2], ticket_type=self._type)
        if answer.status_code == 201 and answer.json()["checkout_url"]:
            self._paid = answer.json()
            await self.shop.pay(answer.json())

    async def unfinished(self) -> list[str]:
        if self._paid is None:
            return ["no address to pay at"]
        found = [one for one in await super().unfinished() if one != "attempt is not done: open"]
        statuses = await self.statuses(self._paid, *self._acknowledged)
        if statuses[0] != "paid":
            found.append(f"paid, and the order is {statuses[0]}")
        if "none" in statuses:
            found.append("an order was acknowledged and is not there")
        return found

    async def _order(self, key: str) -> None:
        while True:
            answer = await self.shop.order(2, key=key, ticket_type=self._type)
            assert answer.status_code == 201, answer.text
            self._acknowledged.append(answer.json())
            if answer.json()["checkout_url"]:
                return


class _Paying(_OfServer):
    """Somebody has ordered; in `act` the payment is made and told."""

    async def prepare(self) -> None:
        self._order = await self.shop.ordered(2)

    async def unfinished(self) -> list[str]:
        found = await super().unfinished()
        order = await self.shop.look(self._order)
        if (order["status"], len(order["tickets"])) != ("paid", 2):
            found.append(f"paid, and the order is {order['status']} with {len(order['tickets'])} tickets")
        if not self.house.sink.messages:
            found.append("no mail was sent")
        return found

    async def _pay(self) -> None:
        await self.shop.control(f"checkout/sessions/{session_of(self._order)}/pay", card=CARD, wait=False)


class Webhook(_Paying):
    """Stripe tells of a payment, by two events at once. After even numbers it never tells again."""

    name, about = "webhook", 50
    events = (COMPLETED, SUCCEEDED)

    async def act(self) -> None:
        await self._pay()
        await until(self._is_told)

    async def again(self, step: int) -> None:
        self.house.from_stripe.set("open" if self.come_back else "cut")

    async def _is_told(self) -> bool:
        """Whether all that Stripe had to tell has arrived, been worked and been answered, or its first try failed."""
        answer = await self.shop.stripe.get("/_control/deliveries")
        told = [one for one in answer.json()["deliveries"] if one["attempts"]]
        return len(told) == len(self.events)


class Success(_Paying):
    """Back from Stripe, whose webhooks never come. After even numbers the buyer does not look again."""

    name, about = "success", 40

    async def prepare(self) -> None:
        await super().prepare()
        self.house.from_stripe.set("cut")

    async def act(self) -> None:
        await self._pay()
        while await self.statuses(self._order) != ["paid"]:
            await self._look_at_page()

    async def again(self, step: int) -> None:
        if self.come_back:
            await self._look_at_page()

    async def _look_at_page(self) -> None:
        page = await self.shop.web.get(
            f"/orders/{self._order['code']}/success", params={"session_id": session_of(self._order)}
        )
        assert page.status_code == 200, f"the success page answers {page.status_code}"


class CheckoutAnswers(Checkout):
    """The same, killed as it answers."""

    name, about, answers = "checkout, answers", 3, True


class WebhookAnswers(Webhook):
    """The same, killed as it answers."""

    name, about, answers = "webhook, answers", 3, True


class SuccessAnswers(Success):
    """The same, killed as it answers."""

    name, about, answers = "success, answers", 1, True


class _OfCommand(Flow):
    """What a command does. After even numbers the worker goes on alone, and the person repeats the command only when
    there is nothing to go on with."""

    def line(self) -> list[str]:
        """The command line."""
        raise NotImplementedError

    async def is_asked(self) -> bool:
        """Whether the decision is written down."""
        raise NotImplementedError

    async def strike(self) -> bool:
        program = Program(strace.under(self.number, self.line()), self.house.environment)
        code = await _ended(program)
        assert code in (0, -signal.SIGKILL), f"the command ended by itself, with {code}"
        return code != 0

    async def again(self, step: int) -> None:
        if (step == 0 and self.come_back) or (step == LATER and not await self.is_asked()):
            code = await _ended(Program(self.line(), self.house.environment))
            assert code == 0, f"the command ended with {code} when it was repeated"


class Refund(_OfCommand):
    """`boxoffice refund CODE`."""

    name, about = "refund", 60

    async def prepare(self) -> None:
        self._order = await self.paid(2)

    def line(self) -> list[str]:
        return [*BOXOFFICE, "refund", self._order["code"]]

    async def is_asked(self) -> bool:
        return bool(await self.rows("SELECT decision FROM refund"))

    async def unfinished(self) -> list[str]:
        found = await super().unfinished()
        refunds = [one["amount"] for one in await self.house.refunds()]
        statuses = await self.statuses(self._order)
        if (statuses, refunds) != (["refunded"], [2400]):
            found.append(f"the order is {statuses[0]}, refunds at Stripe: {refunds}")
        return found


class Cancel(_OfCommand):
    """`boxoffice cancel EVENT` of a night with two paid orders and one that may be paid any moment."""

    name, about = "cancel", 120

    async def prepare(self) -> None:
        self._orders = [await self.paid(), await self.paid(), await self.shop.ordered()]

    def line(self) -> list[str]:
        return [*BOXOFFICE, "cancel", SLUG, "--yes", "--reason", "The sound system drowned."]

    async def is_asked(self) -> bool:
        return bool(await self.rows("SELECT reason FROM cancellation"))

    async def unfinished(self) -> list[str]:
        found = await super().unfinished()
        refunds = [one["amount"] for one in await self.house.refunds()]
        statuses = await self.statuses(*self._orders)
        if (statuses, refunds) != (["refunded", "refunded", "released"], [1200, 1200]):
            found.append(f"the orders are {', '.join(statuses)}, refunds at Stripe: {refunds}")
        if not await self.rows("SELECT reason FROM cancellation WHERE finished_at IS NOT NULL"):
            found.append("the cancellation is not finished")
        return found


class Sweeper(Flow):
    """The worker: mails that are owed, a refund that is decided, a hold that is over."""

    name, about = "sweeper", 220

    async def prepare(self) -> None:
        self._back, self._late = await self.paid(), await self.shop.ordered()
        mailed = await self.shop.ordered()
        await self.shop.pay(mailed)
        self._kept = mailed
        await self.shop.box.db.attempt(decide_refund, self._back["code"], Wish())
        async with self.shop.box.db.transaction() as connection:
            await connection.execute("UPDATE orders SET held_until = clock() WHERE code = $1", self._late["code"])

    async def strike(self) -> bool:
        program = Program(strace.under(self.number, WORKER), self.house.environment)
        try:
            await until(lambda: _either_later(program.ended, self._is_done))
            hit = program.ended()
            assert not hit or program.code == -signal.SIGKILL, f"the worker ended by itself, with {program.code}"
            return hit
        finally:
            program.kill()

    async def unfinished(self) -> list[str]:
        found = await super().unfinished()
        statuses = await self.statuses(self._back, self._late, self._kept)
        if statuses != ["refunded", "expired", "paid"]:
            found.append(f"the orders are {', '.join(statuses)}")
        return found

    async def _is_done(self) -> bool:
        return not await self.unfinished()


FLOWS: tuple[type[Flow], ...] = (
    Checkout,
    CheckoutAnswers,
    Webhook,
    WebhookAnswers,
    Success,
    SuccessAnswers,
    Refund,
    Cancel,
    Sweeper,
)


async def _ended(program: Program) -> int:
    """How it ended."""
    try:
        await until(lambda: _true(program.ended))
    finally:
        program.kill()
    return program.code


async def _true(one: Callable[[], bool]) -> bool:
    return one()


async def _either(one: Callable[[], bool], other: Callable[[], bool]) -> bool:
    return one() or other()


async def _either_later(one: Callable[[], bool], other: Callable[[], Awaitable[bool]]) -> bool:
    return one() or await other()
