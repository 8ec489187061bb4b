"""`/v1/payouts`: those that were made; new ones are the control API's."""

from typing import Any

from stripe_simulator.api import listing
from stripe_simulator.api.call import Call
from stripe_simulator.store.objects import Where

Json = dict[str, Any]

URL = "/v1/payouts"
KIND = "payout"


async def retrieve(call: Call) -> Json:
    return (await call.find(KIND, call.path["payout"])).doc


async def list_all(call: Call) -> Json:
    where = Where()
    if "status" in call.params:
        where.fields["status"] = call.params["status"]
    return await listing.page_of(call, KIND, URL, where)
