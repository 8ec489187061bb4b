"""One stored API object."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

Json = dict[str, Any]

_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(slots=True)
class Record:
    """`doc` is what the API answers, `hidden` what only the simulator knows about the object."""

    kind: str
    doc: Json
    hidden: Json = field(default_factory=dict[str, Any])

    @property
    def id(self) -> str:
        return str(self.doc["id"])


def decoded(text: str) -> Json:
    """A stored JSON document."""
    return _decode(text)
