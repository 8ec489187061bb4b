"""The document at `/api/openapi.json`: what programs are made from says what is really taken and answered."""

from typing import Any

import pytest
from httpx import AsyncClient

SCANS = "/api/v1/events/{slug}/scans"


@pytest.fixture
async def document(client: AsyncClient) -> dict[str, Any]:
    return (await client.get("/api/openapi.json")).json()


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


async def test_scans_are_one_or_a_list_and_every_answer_is_named(document: dict[str, Any]) -> None:
    taken = document["paths"][SCANS]["post"]["requestBody"]["content"]["application/json"]["schema"]["oneOf"]
    one = {"$ref": "#/components/schemas/ScanBody"}
    assert taken == [one, {"type": "array", "items": one, "maxItems": 500}]
    answers = document["components"]["schemas"]["ScanAnswer"]["properties"]["answer"]["enum"]
    for answer in ("admitted", "already_used", "cancelled", "refunded", "blocked", "unknown", "wrong_event", "not_yet"):
        assert answer in answers


async def test_every_problem_is_described_as_it_is_answered(client: AsyncClient, document: dict[str, Any]) -> None:
    problem = {"$ref": "#/components/schemas/ProblemBody"}
    for operation in operations(document):
        assert operation["responses"]["default"]["content"] == {"application/problem+json": {"schema": problem}}
        assert "400" not in operation["responses"]
    described = document["components"]["schemas"]["ProblemBody"]
    for content in (b"{", b"{}"):
        answer = await client.post(SCANS.format(slug="tiefdruck-eins"), content=content)
        assert answer.headers["content-type"] == "application/problem+json"
        assert set(described["required"]) <= set(answer.json()) <= set(described["properties"])


async def test_what_needs_a_scanners_token_says_so(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"]["scanner"]["scheme"] == "bearer"
    open_to_all = {"Pair a scanner", "Show the keys that tickets are signed with"}
    for operation in operations(document):
        is_scanners = "Door" in operation["tags"] and operation["summary"] not in open_to_all
        assert (operation.get("security") == [{"scanner": []}]) is is_scanners
        assert "Authorization" not in [one["name"] for one in operation.get("parameters", ())] or not is_scanners
