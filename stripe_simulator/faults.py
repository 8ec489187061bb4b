"""What is to go wrong: rules for API endpoints and for webhooks, each used up after a number of times.

API faults: `delay` (answers after `seconds`), `key_expired` (401), `key_not_allowed` (403, as of a restricted key),
`conflict` (409), `lock_timeout` and `rate_limit` (429), `server_error`
(500 before any effect), `stored_server_error` (500 remembered under the idempotency key, with `effect` after the
effect), `lost_response` (the effect happens, the connection breaks), `timeout` (the effect happens, the answer takes
`seconds`). Delivery faults: `duplicate` (`times` more), `second_event` (another Event id for the same change),
`reorder` (sent after the events that follow), `late` (by `seconds`), `drop`, `wrong_signature`, `stale` (signed
`seconds` ago), `wrong_livemode`, `old_api_version`, `answer_timeout`.
"""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Literal

import msgspec

ApiFault = Literal[
    "delay",
    "key_expired",
    "key_not_allowed",
    "conflict",
    "lock_timeout",
    "rate_limit",
    "server_error",
    "stored_server_error",
    "lost_response",
    "timeout",
]
WebhookFault = Literal[
    "duplicate",
    "second_event",
    "reorder",
    "late",
    "drop",
    "wrong_signature",
    "stale",
    "wrong_livemode",
    "old_api_version",
    "answer_timeout",
]
API_FAULTS: frozenset[str] = frozenset(ApiFault.__args__)  # type: ignore[attr-defined]
OLD_VERSION = "2025-03-31.basil"


class Rule(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`match` is a pattern over `POST /v1/refunds` for API faults, over an event type for webhook faults."""

    fault: ApiFault | WebhookFault
    match: str = "*"
    count: int | None = 1
    """How often it happens; None for ever."""
    after: int = 0
    """How many matching calls or events pass unharmed first."""
    chance: float = 1.0
    seconds: float = 1.0
    times: int = 1
    effect: bool = False
    api_version: str = OLD_VERSION
    id: str = ""

    @property
    def is_about_api(self) -> bool:
        return self.fault in API_FAULTS


@dataclass(slots=True)
class Faults:
    """The rules in force, in the order they were given."""

    random: Random
    rules: list[Rule] = field(default_factory=list[Rule])
    _number: int = 0

    def add(self, rule: Rule) -> Rule:
        """Put a rule in force."""
        self._number += 1
        rule.id = f"fault_{self._number}"
        self.rules.append(rule)
        return rule

    def remove(self, rule_id: str | None = None) -> None:
        """Lift one rule, or all."""
        self.rules = [rule for rule in self.rules if rule_id is not None and rule.id != rule_id]

    def for_call(self, endpoint: str) -> list[Rule]:
        """The API faults that this call meets; each is used up by one."""
        return self._met(endpoint, about_api=True)

    def for_event(self, event_type: str) -> list[Rule]:
        """The webhook faults that this event meets; each is used up by one."""
        return self._met(event_type, about_api=False)

    def _met(self, name: str, *, about_api: bool) -> list[Rule]:
        if not self.rules:
            return []
        met = [rule for rule in self.rules if rule.is_about_api == about_api and self._strikes(rule, name)]
        self.rules = [rule for rule in self.rules if rule.count != 0]
        return met

    def _strikes(self, rule: Rule, name: str) -> bool:
        if not fnmatchcase(name, rule.match) or rule.count == 0:
            return False
        if rule.after > 0:
            rule.after -= 1
            return False
        if rule.chance < 1.0 and self.random.random() >= rule.chance:
            return False
        if rule.count is not None:
            rule.count -= 1
        return True
