from httpx import AsyncClient

from boxoffice.foundation.db import Database
from tests.nights import NIGHT, load


async def test_the_list_of_nights(client: AsyncClient, db: Database) -> None:
    await load(db)
    answer = await client.get("/api/v1/events")
    assert answer.status_code == 200
    (night,) = answer.json()
    assert sorted(night) == ["slug", "starts_at", "status", "time_zone", "title"]
    assert (night["slug"], night["time_zone"], night["status"]) == (
        "tiefdruck-eins",
        "Europe/Berlin",
        "published",
    )


async def test_a_night_with_its_prices(client: AsyncClient, db: Database) -> None:
    await load(db)
    night = (await client.get("/api/v1/events/tiefdruck-eins")).json()
    (entry,) = night["ticket_types"]
    assert sorted(entry) == ["admits", "available", "currency", "id", "last_entry_at", "name", "price"]
    assert (entry["name"], entry["price"], entry["currency"], entry["available"]) == (
        "Entry",
        1200,
        "eur",
        10,
    )


async def test_a_draft_is_as_unknown_as_a_night_that_never_was(client: AsyncClient, db: Database) -> None:
    await load(db, NIGHT.replace("room_capacity", 'status = "draft"\nroom_capacity'))
    draft = await client.get("/api/v1/events/tiefdruck-eins")
    unknown = await client.get("/api/v1/events/never-was")
    assert draft.status_code == unknown.status_code == 404
    assert draft.json() == unknown.json()
    assert draft.headers["content-type"] == "application/problem+json"
    assert (await client.get("/api/v1/events")).json() == []


async def test_odd_addresses_get_a_clear_answer(client: AsyncClient) -> None:
    for path in ("/nope", "/api/v1/events/%F0%9F%8E%9F", "/api/v1/events/%00"):
        answer = await client.get(path)
        assert answer.status_code == 404, path
        assert answer.json()["status"] == 404
    assert (await client.post("/api/v1/events")).status_code == 405


async def test_health(client: AsyncClient) -> None:
    assert (await client.get("/healthz")).json()["status"] == "ok"
    ready = await client.get("/readyz")
    assert ready.status_code == 200
    assert ready.headers["cache-control"] == "no-store"
