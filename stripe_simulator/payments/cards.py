"""The published test cards, and what each of them does."""

from dataclasses import dataclass
from typing import Literal

Challenge = Literal["never", "always", "unless_off_session"]
RefundOutcome = Literal["succeeds", "pending", "fails"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline:
    """Why the bank refuses: `code` and, for `card_declined`, the finer `decline_code`."""

    code: str
    decline_code: str | None = None

    @property
    def message(self) -> str:
        """What the buyer reads; a lost or stolen card is told no more than a plain decline."""
        return MESSAGES.get(self.decline_code or self.code, "Your card was declined.")


MESSAGES: dict[str, str] = {
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeToCome:
    """A dispute that opens together with the payment."""

    reason: str = "fraudulent"
    inquiry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCard:
    """A test number, its name behind `pm_card_` and `tok_`, and its behaviour."""

    __test__ = False

    number: str
    name: str
    brand: str = "visa"
    country: str = "US"
    funding: str = "credit"
    decline: Decline | None = None
    challenge: Challenge = "never"
    blocked: bool = False
    risk: Literal["normal", "elevated", "highest"] = "normal"
    review: bool = False
    cvc_check: str = "pass"
    postal_check: str = "pass"
    disputes: tuple[DisputeToCome, ...] = ()
    fraud_warning: bool = False
    refund: RefundOutcome = "succeeds"
    available_at_once: bool = False
    hint: str = ""
    """What the hosted page's list of handy test cards says about it."""

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def cvc_length(self) -> int:
        return 4 if self.brand == "amex" else 3


def _declined(decline_code: str) -> Decline:
    return Decline(code="card_declined", decline_code=decline_code)


CARDS: tuple[TestCard, ...] = (
    TestCard(number="4242424242424242", name="visa", hint="pays"),
    TestCard(number="4000056655665556", name="visa_debit", funding="debit"),
    TestCard(number="5555555555554444", name="mastercard", brand="mastercard"),
    TestCard(number="5200828282828210", name="mastercard_debit", brand="mastercard", funding="debit"),
    TestCard(number="378282246310005", name="amex", brand="amex"),
    TestCard(number="6011111111111117", name="discover", brand="discover"),
    TestCard(number="3566002020360505", name="jcb", brand="jcb", country="JP"),
    TestCard(number="6200000000000005", name="unionpay", brand="unionpay", country="CN"),
    TestCard(
        number="4000000000000002",
        name="visa_chargeDeclined",
        decline=_declined("generic_decline"),
        hint="is declined",
    ),
    TestCard(
        number="4000000000009995",
        name="visa_chargeDeclinedInsufficientFunds",
        decline=_declined("insufficient_funds"),
        hint="has insufficient funds",
    ),
    TestCard(number="4000000000009987", name="visa_chargeDeclinedLostCard", decline=_declined("lost_card")),
    TestCard(number="4000000000009979", name="visa_chargeDeclinedStolenCard", decline=_declined("stolen_card")),
    TestCard(
        number="4000000000006975",
        name="visa_chargeDeclinedVelocityLimitExceeded",
        decline=_declined("card_velocity_exceeded"),
    ),
    TestCard(number="4000000000000069", name="chargeDeclinedExpiredCard", decline=Decline(code="expired_card")),
    TestCard(
        number="4000000000000127",
        name="chargeDeclinedIncorrectCvc",
        decline=Decline(code="incorrect_cvc"),
        cvc_check="fail",
    ),
    TestCard(number="4000000000000119", name="chargeDeclinedProcessingError", decline=Decline(code="processing_error")),
    TestCard(number="4000000000000341", name="chargeCustomerFail", decline=_declined("generic_decline")),
    TestCard(number="4000002500003155", name="authenticationRequiredOnSetup", challenge="unless_off_session"),
    TestCard(number="4000002760003184", name="authenticationRequired", challenge="always"),
    TestCard(
        number="4000003800000446",
        name="authenticationRequiredSetupForOffSession",
        challenge="unless_off_session",
    ),
    TestCard(
        number="4000000000003220",
        name="threeDSecure2Required",
        challenge="always",
        hint="asks for 3-D Secure",
    ),
    TestCard(number="4000000000003063", name="threeDSecureRequired", challenge="always"),
    TestCard(
        number="4000008260003178",
        name="authenticationRequiredChargeDeclinedInsufficientFunds",
        challenge="always",
        decline=_declined("insufficient_funds"),
        hint="asks for 3-D Secure, then has insufficient funds",
    ),
    TestCard(
        number="4000008400001629",
        name="threeDSecureRequiredChargeDeclined",
        challenge="always",
        decline=_declined("generic_decline"),
    ),
    TestCard(
        number="4000008400001280",
        name="threeDSecureRequiredProcessingError",
        decline=_declined("generic_decline"),
    ),
    TestCard(number="4000000000003055", name="threeDSecureOptional"),
    TestCard(
        number="4100000000000019",
        name="radarBlock",
        blocked=True,
        risk="highest",
        decline=_declined("fraudulent"),
        hint="is blocked as fraud",
    ),
    TestCard(number="4000000000004954", name="riskLevelHighest", risk="highest"),
    TestCard(number="4000000000009235", name="riskLevelElevated", risk="elevated"),
    TestCard(number="4000000000000101", name="cvcCheckFail", cvc_check="fail"),
    TestCard(number="4000000000000036", name="avsZipFail", postal_check="fail"),
    TestCard(
        number="4000000000000259",
        name="createDispute",
        disputes=(DisputeToCome(),),
        hint="pays and is disputed",
    ),
    TestCard(
        number="4000000000002685",
        name="createDisputeProductNotReceived",
        disputes=(DisputeToCome(reason="product_not_received"),),
    ),
    TestCard(
        number="4000000000001976",
        name="createDisputeInquiry",
        disputes=(DisputeToCome(inquiry=True),),
    ),
    TestCard(number="4000000000005423", name="createIssuerFraudRecord", fraud_warning=True),
    TestCard(
        number="4000000404000079",
        name="createMultipleDisputes",
        disputes=(DisputeToCome(), DisputeToCome(reason="product_not_received")),
    ),
    TestCard(
        number="4000000000007726", name="pendingRefund", refund="pending", hint="pays; its refunds stay pending a while"
    ),
    TestCard(number="4000000000005126", name="refundFail", refund="fails", hint="pays; its refunds fail"),
    TestCard(number="4000000000000077", name="bypassPending", available_at_once=True),
)

BY_NUMBER = {card.number: card for card in CARDS}
BY_NAME = {card.name: card for card in CARDS} | {
    "chargeDeclined": BY_NUMBER["4000000000000002"],
    "chargeDeclinedInsufficientFunds": BY_NUMBER["4000000000009995"],
    "visa_chargeDeclinedExpiredCard": BY_NUMBER["4000000000000069"],
    "visa_chargeDeclinedIncorrectCvc": BY_NUMBER["4000000000000127"],
    "visa_chargeDeclinedProcessingError": BY_NUMBER["4000000000000119"],
    "threeDSecure2RequiredChargeDeclined": BY_NUMBER["4000008400001629"],
}
NOT_A_TEST_CARD = _declined("test_mode_live_card")


def is_luhn_valid(number: str) -> bool:
    """Whether the check digit fits."""
    total = 0
    for place, character in enumerate(reversed(number)):
        digit = int(character) * (1 + place % 2)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def unlisted(number: str) -> TestCard:
    """A well-formed number that is no published test card: always declined, and never kept."""
    return TestCard(number=number[-4:].rjust(16, "0"), name="unlisted", brand="unknown", decline=NOT_A_TEST_CARD)


def by_name(name: str) -> TestCard | None:
    """The card behind `pm_card_<name>` or `tok_<name>`."""
    return BY_NAME.get(name)
