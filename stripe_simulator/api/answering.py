"""What every API call goes through: key, address, version, faults, idempotency, parameters, the act, expansion."""

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

import msgspec

from stripe_simulator.api import expand
from stripe_simulator.api.authentication import check_key
from stripe_simulator.api.call import Call
from stripe_simulator.api.idempotency import Idempotency, fingerprint_of
from stripe_simulator.api.parameters import checked
from stripe_simulator.api.routes import Route, find_route
from stripe_simulator.errors import (
    BadKey,
    Forbidden,
    InvalidParameter,
    KeyInUse,
    LockTimeout,
    ServerError,
    StripeError,
    TooManyRequests,
    encoded,
)
from stripe_simulator.events import Origin
from stripe_simulator.facts import facts
from stripe_simulator.faults import Rule
from stripe_simulator.ids import ACCOUNT
from stripe_simulator.store.unit import StoredAnswer, Unit
from stripe_simulator.world import World

Json = dict[str, Any]

OLDEST_VERSION = "2011-01-01"


class AnswerLost(Exception):
    """The effect happened, and the caller never hears of it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, JSON body and headers of an API answer."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def json(self) -> Json:
        """The body, read."""
        return msgspec.json.decode(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One API request as it came in."""

    method: str
    path: str
    params: Json
    key: str | None
    idempotency_key: str | None
    version: str | None
    account: str | None
    request_id: str


class Answering:
    """Answers requests; the only state is which keyed requests are under way and how many came this second."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._idempotency = Idempotency(world.database)
        self._recent: defaultdict[str, deque[float]] = defaultdict(deque)

    async def answer(self, request: Request) -> Answer:
        """The answer, an error envelope included. Raises AnswerLost when a fault says so."""
        headers = {
            "Request-Id": request.request_id,
            "Stripe-Version": request.version or self._world.settings.default_version,
        }
        if request.method == "POST" and request.idempotency_key:
            headers |= {"Idempotency-Key": request.idempotency_key, "Original-Request": request.request_id}
        try:
            return await self._answered(request, headers)
        except StripeError as error:
            return Answer(error.status, encoded(error.body(request.request_id)), headers | error.headers)

    async def _answered(self, request: Request, headers: dict[str, str]) -> Answer:
        route, path_ids = find_route(request.method, request.path)
        check_key(request.key, publishable=route.publishable)
        _check_version(request.version)
        if request.account not in (None, ACCOUNT):
            raise Forbidden("This key has no access to that account.", code="account_invalid")
        rules = self._world.faults.for_call(route.endpoint)
        await self._before(route, rules)
        if request.method != "POST" or not request.idempotency_key:
            answer = await self._run(request, route, path_ids, headers, rules, None)
        else:
            answer = await self._run_once(request, route, path_ids, headers, rules)
        await _after(rules)
        return answer

    async def _before(self, route: Route, rules: list[Rule]) -> None:
        self._count(route)
        for rule in rules:
            match rule.fault:
                case "delay":
                    await asyncio.sleep(rule.seconds)
                case "key_expired":
                    raise BadKey("Expired API Key provided: the key was rolled.", code="api_key_expired")
                case "key_not_allowed":
                    raise Forbidden("The provided key does not have the required permissions for this endpoint.")
                case "conflict":
                    raise KeyInUse("of another request")
                case "lock_timeout":
                    raise LockTimeout
                case "rate_limit":
                    raise TooManyRequests
                case "server_error":
                    raise ServerError
                case _:
                    pass

    def _count(self, route: Route) -> None:
        limit = self._world.endpoint_rate_limit
        if limit is None:
            return
        now, recent = self._world.clock.now(), self._recent[route.endpoint]
        while recent and recent[0] <= now - 1:
            recent.popleft()
        if len(recent) >= limit:
            raise TooManyRequests
        recent.append(now)

    async def _run_once(
        self, request: Request, route: Route, path_ids: dict[str, str], headers: dict[str, str], rules: list[Rule]
    ) -> Answer:
        """Run a keyed request, unless it ran before: then its answer is given again."""
        key = request.idempotency_key
        assert key is not None
        fingerprint = fingerprint_of(request.method, request.path, request.params)
        stored = await self._idempotency.begin(key, fingerprint, self._world.clock.now())
        if stored is not None:
            again = {"Idempotent-Replayed": "true", "Original-Request": stored.request_id}
            return Answer(stored.status, stored.body.encode(), headers | again)
        try:
            return await self._run(request, route, path_ids, headers, rules, fingerprint)
        finally:
            self._idempotency.end(key)

    async def _run(
        self,
        request: Request,
        route: Route,
        path_ids: dict[str, str],
        headers: dict[str, str],
        rules: list[Rule],
        fingerprint: str | None,
    ) -> Answer:
        params = checked(facts().requests[route.endpoint], request.params)
        paths: list[str] = params.pop("expand", None) or []
        expand.check(paths, route.answers)
        unit = self._world.unit(Origin(request.request_id, request.idempotency_key))
        call = Call(self._world, unit, path_ids, params, request.version)
        keeper = _Keeper(self._world, unit, request, fingerprint)
        try:
            doc = await route.act(call)
            body = encoded(await expand.expanded(call, doc, paths) if paths else doc)
            if any(rule.fault == "stored_server_error" for rule in rules):
                raise await self._stored_failure(unit, rules)
            await keeper.commit(200, body)
            return Answer(200, body, headers)
        except StripeError as error:
            await keeper.settle(error)
            raise
        except BaseException:
            await unit.rollback()
            raise

    async def _stored_failure(self, unit: Unit, rules: list[Rule]) -> StripeError:
        """A 500 that the key remembers, with or without the effect."""
        if not any(rule.effect for rule in rules):
            await unit.rollback()
        error = ServerError(executed=True)
        error.keeps_writes = True
        return error


@dataclass(slots=True)
class _Keeper:
    """Commits a request's writes together with the answer that its key will repeat."""

    world: World
    unit: Unit
    request: Request
    fingerprint: str | None

    async def commit(self, status: int, body: bytes) -> None:
        await self.world.commit(self.unit, self._stored(status, body))

    async def settle(self, error: StripeError) -> None:
        """Keep what a declined card wrote, forget what a refused call wrote; remember either if it was executed."""
        if not error.keeps_writes:
            await self.unit.rollback()
        if error.executed:
            await self.commit(error.status, encoded(error.body(self.request.request_id)))

    def _stored(self, status: int, body: bytes) -> StoredAnswer | None:
        if self.fingerprint is None or self.request.idempotency_key is None:
            return None
        return StoredAnswer(
            key=self.request.idempotency_key,
            fingerprint=self.fingerprint,
            status=status,
            body=body.decode(),
            request_id=self.request.request_id,
            created=self.world.clock.now(),
        )


async def _after(rules: list[Rule]) -> None:
    for rule in rules:
        if rule.fault == "timeout":
            await asyncio.sleep(rule.seconds)
        if rule.fault == "lost_response":
            raise AnswerLost


def _check_version(version: str | None) -> None:
    if version is None:
        return
    date = version.partition(".")[0]
    well_formed = len(date) == len(OLDEST_VERSION) and date.replace("-", "").isdigit()
    if not well_formed or not OLDEST_VERSION <= version <= f"{facts().version}~":
        raise InvalidParameter(f"Invalid Stripe API version: {version}")
