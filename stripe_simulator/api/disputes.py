"""`/v1/disputes`."""

from typing import Any

from stripe_simulator.api import listing, metadata
from stripe_simulator.api.call import Call
from stripe_simulator.errors import NotAllowed
from stripe_simulator.payments.dispute import (
    CLOSED_STATUSES,
    add_evidence,
    close_dispute,
    outcome_of_test_evidence,
)
from stripe_simulator.store.objects import Where
from stripe_simulator.store.record import Record

Json = dict[str, Any]

URL = "/v1/disputes"
KIND = "dispute"


async def retrieve(call: Call) -> Json:
    return (await call.find(KIND, call.path["dispute"])).doc


async def update(call: Call) -> Json:
    """Evidence; unless `submit=false` it goes to the bank, and test evidence decides a little later."""
    charge, dispute = await _locked(call)
    given = call.params
    dispute.doc["metadata"] = metadata.changed(dispute.doc["metadata"], given)
    call.unit.put(dispute)
    if "evidence" not in given and "submit" not in given:
        return dispute.doc
    if dispute.doc["status"] in CLOSED_STATUSES:
        raise NotAllowed("This dispute is closed.", code="dispute_closed")
    evidence: Json = given.get("evidence") or {}
    submit: bool = given.get("submit", True)
    was_inquiry = dispute.doc["status"].startswith("warning")
    add_evidence(call.unit, dispute, charge, evidence, submit=submit)
    outcome = outcome_of_test_evidence(dispute.doc["evidence"].get("uncategorized_text"))
    if submit and outcome is not None:
        settled = "warning_closed" if was_inquiry and outcome == "won" else outcome
        due = call.at + call.world.settings.dispute_outcome_after
        call.unit.later("dispute_outcome", dispute.id, due, outcome=settled)
    return dispute.doc


async def close(call: Call) -> Json:
    """The seller accepts the loss."""
    _, dispute = await _locked(call)
    if dispute.doc["status"] in CLOSED_STATUSES:
        raise NotAllowed("This dispute is closed.", code="dispute_closed")
    close_dispute(call.unit, dispute, "lost")
    return dispute.doc


async def list_all(call: Call) -> Json:
    columns = {name: call.params[name] for name in ("charge", "payment_intent") if name in call.params}
    return await listing.page_of(call, KIND, URL, Where(columns=columns))


async def _locked(call: Call) -> tuple[Record, Record]:
    """The charge and its dispute, locked in the order that everyone keeps."""
    found = await call.find(KIND, call.path["dispute"])
    charge = await call.unit.lock("charge", found.doc["charge"])
    dispute = await call.unit.lock(KIND, found.id)
    assert charge is not None
    assert dispute is not None
    return charge, dispute
