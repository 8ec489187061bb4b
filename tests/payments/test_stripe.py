"""Signatures, by the documented scheme."""

import time

import pytest
import stripe

from boxoffice.payments.stripe import BadSignature, verify
from boxoffice.payments.stripe_objects import read_event

BODY = b'{"id":"evt_1"}'


def test_the_documented_vector_fits_but_is_too_old() -> None:
    header = "t=1700000000,v1=248a374f50f943a28b0f6ab50faf9a7e7e29b710fa26df9fb1618b9bf8ea9c9a"
    assert (
        stripe.WebhookSignature.generate_signature_header(BODY.decode(), "whsec_test_secret", timestamp=1700000000)
        == header
    )
    with pytest.raises(BadSignature):
        verify(BODY, header, ("whsec_test_secret",))


def test_any_of_our_secrets_will_do_and_only_scheme_v1_counts() -> None:
    header = stripe.WebhookSignature.generate_signature_header(BODY.decode(), "whsec_two", timestamp=int(time.time()))
    verify(BODY, header, ("whsec_one", "whsec_two"))
    for wrong in (header.replace("v1=", "v0="), header[:-1], "", "t=,v1=", "nonsense"):
        with pytest.raises(BadSignature):
            verify(BODY, wrong, ("whsec_one", "whsec_two"))
    with pytest.raises(BadSignature):
        verify(BODY + b" ", header, ("whsec_one", "whsec_two"))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"id": "evt_1", "type": "x"}'])
def test_what_is_no_event(body: bytes) -> None:
    with pytest.raises(ValueError, match="not a Stripe event"):
        read_event(body)
