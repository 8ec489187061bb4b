"""Stripe's objects as far as we read them, from its answers and from the events that it tells."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, cast

import msgspec

REFUSED_BY_BANK = ("requires_payment_method", "canceled")
OUTCOMES_OF_REFUNDS = {"requires_action": "pending", "canceled": "failed"}

Json = Mapping[str, Any]


class Session(msgspec.Struct, frozen=True):
    """A Checkout Session. `amount_total` in minor units; `payment_intent` is an id."""

    id: str
    status: str
    payment_status: str
    url: str | None
    expires_at: datetime
    amount_total: int
    currency: str
    livemode: bool
    metadata: Mapping[str, str]
    payment_intent: str | None
    payment_intent_status: str | None

    @property
    def paid(self) -> bool:
        """Money has arrived, or none was due: the only state in which tickets may be made."""
        return self.status == "complete" and self.payment_status in ("paid", "no_payment_required")

    @property
    def failed(self) -> bool:
        """Complete, and the bank refused afterwards. Known only of a session that was asked for, not of a snapshot."""
        return self.status == "complete" and not self.paid and self.payment_intent_status in REFUSED_BY_BANK


class Refund(msgspec.Struct, frozen=True):
    """Money on its way back. `metadata` is empty for one that was made in the Dashboard."""

    id: str
    status: str
    failure_reason: str | None
    amount_minor: int
    currency: str
    metadata: Mapping[str, str]

    @property
    def outcome(self) -> str:
        """`status` as far as it matters to the money: `pending`, `succeeded` or `failed`."""
        return OUTCOMES_OF_REFUNDS.get(self.status, self.status)


class Fee(msgspec.Struct, frozen=True):
    """What Stripe keeps of a charge, in the currency that it settles in."""

    charge_id: str
    minor: int
    currency: str


class Movement(msgspec.Struct, frozen=True):
    """What a dispute did to the balance: `amount_minor` is negative when money was taken, `fee_minor` when a fee came
    back."""

    id: str
    amount_minor: int
    fee_minor: int
    currency: str


class Dispute(msgspec.Struct, frozen=True):
    """A bank's question about a payment (`warning_...`) or its taking the money back. `payment_intent` is an id."""

    id: str
    status: str
    charge: str
    payment_intent: str | None
    amount_minor: int
    currency: str
    reason: str
    answer_by: datetime | None
    movements: tuple[Movement, ...]
    created_at: datetime


class Intent(msgspec.Struct, frozen=True):
    """A PaymentIntent with its newest charge. `received_minor` is what was paid, before any refund; `paid_at` None when
    nothing was."""

    id: str
    status: str
    received_minor: int
    currency: str
    livemode: bool
    metadata: Mapping[str, str]
    paid_at: datetime | None


class ListedRefund(msgspec.Struct, frozen=True):
    """A refund with what it is a refund of."""

    refund: Refund
    payment_intent: str | None
    created_at: datetime


class Account(msgspec.Struct, frozen=True):
    """Whose key it is. `answered_at` is Stripe's clock in whole seconds, None when the answer bore no date."""

    id: str
    country: str | None
    default_currency: str | None
    charges_enabled: bool
    answered_at: datetime | None


class WebhookEndpoint(msgspec.Struct, frozen=True):
    """An address that Stripe tells events to; `events` may be `*`, `api_version` None follows the account's."""

    id: str
    url: str
    status: str
    api_version: str | None
    events: frozenset[str]


class Event(msgspec.Struct, frozen=True):
    """A snapshot event; `object` is what it is about as it was then, `raw` the body as it came."""

    id: str
    type: str
    livemode: bool
    account: str | None
    object: Json
    raw: bytes

    @property
    def about(self) -> tuple[str, ...]:
        """The ids that it names: its object's and payment's at Stripe, our order's and refund's."""
        metadata: Json = self.object.get("metadata") or {}
        named = [self.object.get(name) for name in ("id", "payment_intent", "charge")]
        named += [metadata.get(name) for name in ("order_id", "refund_id")]
        ids = [one.get("id") if isinstance(one, Mapping) else one for one in named]
        return tuple(one for one in ids if isinstance(one, str) and "\0" not in one)


_Name = Annotated[str, msgspec.Meta(pattern="^[!-~]{1,255}$")]


class _About(msgspec.Struct):
    object: dict[str, Any]


class _Told(msgspec.Struct):
    """What every event has, as it must be before anything is made of it."""

    id: _Name
    type: _Name
    livemode: bool
    data: _About
    account: _Name | None = None


def read_event(raw: bytes) -> Event:
    """An event's body. Raises ValueError when it is none."""
    try:
        told = msgspec.json.decode(raw, type=_Told)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError("This is not a Stripe event.") from error
    return Event(told.id, told.type, told.livemode, told.account, told.data.object, raw)


def read_session(body: Json) -> Session:
    """A session from an API answer or an event's snapshot; raises KeyError for something else."""
    intent = body["payment_intent"]
    return Session(
        id=body["id"],
        status=body["status"],
        payment_status=body["payment_status"],
        url=body["url"],
        expires_at=datetime.fromtimestamp(body["expires_at"], UTC),
        amount_total=body["amount_total"],
        currency=body["currency"],
        livemode=body["livemode"],
        metadata=body["metadata"] or {},
        payment_intent=intent if isinstance(intent, str) or intent is None else intent["id"],
        payment_intent_status=None if isinstance(intent, str) or intent is None else intent["status"],
    )


def read_refund(body: Json) -> Refund:
    """A refund from an API answer or an event's snapshot."""
    return Refund(
        id=body["id"],
        status=body["status"],
        failure_reason=body.get("failure_reason"),
        amount_minor=body["amount"],
        currency=body["currency"],
        metadata=body["metadata"] or {},
    )


def read_dispute(body: Json) -> Dispute:
    """A dispute from an API answer."""
    answer_by: int | None = (body["evidence_details"] or {}).get("due_by")
    return Dispute(
        id=body["id"],
        status=body["status"],
        charge=id_of(body["charge"]) or "",
        payment_intent=id_of(body["payment_intent"]),
        amount_minor=body["amount"],
        currency=body["currency"],
        reason=body["reason"],
        answer_by=None if answer_by is None else datetime.fromtimestamp(answer_by, UTC),
        movements=tuple(
            Movement(one["id"], one["amount"], one["fee"], one["currency"]) for one in body["balance_transactions"]
        ),
        created_at=datetime.fromtimestamp(body["created"], UTC),
    )


def id_of(named: Any) -> str | None:
    """The id of an object that is expanded or not."""
    return cast("str | None", named["id"] if isinstance(named, Mapping) else named)


def read_intent(body: Json) -> Intent:
    """A PaymentIntent from an API answer in which its newest charge is expanded."""
    charge = body["latest_charge"]
    paid = body["status"] == "succeeded" and isinstance(charge, Mapping)
    return Intent(
        id=body["id"],
        status=body["status"],
        received_minor=body["amount_received"],
        currency=body["currency"],
        livemode=body["livemode"],
        metadata=body["metadata"] or {},
        paid_at=datetime.fromtimestamp(charge["created"], UTC) if paid else None,
    )


def read_listed_refund(body: Json) -> ListedRefund:
    """A refund from an API answer, with its payment."""
    intent = body["payment_intent"]
    return ListedRefund(
        refund=read_refund(body),
        payment_intent=intent["id"] if isinstance(intent, Mapping) else intent,
        created_at=datetime.fromtimestamp(body["created"], UTC),
    )


def read_listed_event(body: Json, raw: bytes) -> Event:
    """An event from an API answer, which came as `raw`."""
    return Event(
        body["id"], body["type"], body["livemode"], body.get("account"), cast("Json", body["data"]["object"]), raw
    )
