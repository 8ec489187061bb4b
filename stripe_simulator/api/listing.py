"""Lists: newest first, a page at a time, filtered."""

from typing import Any

from stripe_simulator.api.call import Call
from stripe_simulator.errors import InvalidParameter, NoSuchObject
from stripe_simulator.store import objects
from stripe_simulator.store.objects import Where

Json = dict[str, Any]

DEFAULT_LIMIT = 10
LARGEST_LIMIT = 100


async def page_of(call: Call, kind: str, url: str, where: Where | None = None) -> Json:
    """A page of the objects of a kind: `limit`, `starting_after`, `ending_before` and `created` are read here."""
    where = where or Where()
    where.created = created_bounds(call.params.get("created"))
    limit = limit_of(call.params)
    before, after = await _cursors(call, kind)
    reader = call.world.database.pool
    records = await objects.newest(reader, kind, where, count=limit + 1, before=before, after=after)
    has_more = len(records) > limit
    kept = records[:limit] if after is None else records[-limit:]
    return listed([record.doc for record in kept], url, has_more=has_more)


def listed(data: list[Json], url: str, *, has_more: bool = False) -> Json:
    """A list object."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def limit_of(params: Json) -> int:
    """How many objects a page holds: 1 to 100, 10 unless asked."""
    limit = params.get("limit", DEFAULT_LIMIT)
    if not 1 <= limit <= LARGEST_LIMIT:
        raise InvalidParameter(
            f"Invalid limit: {limit} is not between 1 and {LARGEST_LIMIT}.",
            code="parameter_invalid_integer",
            param="limit",
        )
    return limit


def created_bounds(created: Any) -> dict[str, int]:
    """`created=5` and `created[gte]=5` as bounds."""
    if created is None:
        return {}
    return {"gte": created, "lte": created} if isinstance(created, int) else dict(created)


async def _cursors(call: Call, kind: str) -> tuple[int | None, int | None]:
    """The places that the page begins behind and ends before."""
    start, end = call.params.get("starting_after"), call.params.get("ending_before")
    if start and end:
        raise InvalidParameter("Give starting_after or ending_before, not both.", param="starting_after")
    before = await _place(call, kind, start, "starting_after") if start else None
    after = await _place(call, kind, end, "ending_before") if end else None
    return before, after


async def _place(call: Call, kind: str, object_id: str, param: str) -> int:
    place = await objects.place_of(call.world.database.pool, kind, object_id)
    if place is None:
        raise NoSuchObject(kind, object_id, param=param, in_path=False)
    return place


def page_of_given(params: Json, items: list[Json], url: str, what: str) -> Json:
    """A page of a list that is already at hand, in its own order."""
    limit = limit_of(params)
    places = {str(item["id"]): place for place, item in enumerate(items)}
    for name in ("starting_after", "ending_before"):
        if name in params and params[name] not in places:
            raise NoSuchObject(what, params[name], param=name, in_path=False)
    if "ending_before" in params:
        end = places[params["ending_before"]]
        return listed(items[max(end - limit, 0) : end], url, has_more=end > limit)
    start = places[params["starting_after"]] + 1 if "starting_after" in params else 0
    return listed(items[start : start + limit], url, has_more=len(items) > start + limit)
