"""What every update of a seller's own object does: takes what may change, and tells what it was before."""

from collections.abc import Iterable
from typing import Any

from stripe_simulator.api import metadata
from stripe_simulator.api.call import Call
from stripe_simulator.store.record import Record

Json = dict[str, Any]


def change(call: Call, record: Record, names: Iterable[str], **also: Any) -> Json:
    """Take the given ones of `names`, the metadata and `also`, and emit `<kind>.updated`; the changed object."""
    before = {name: record.doc.get(name) for name in call.params if name in record.doc}
    record.doc.update({name: call.params[name] for name in names if name in call.params}, **also)
    record.doc["metadata"] = metadata.changed(record.doc["metadata"], call.params)
    call.unit.put(record)
    call.unit.emit(f"{record.doc['object']}.updated", record.doc, before)
    return record.doc
