"""`/api/docs`: the plain list everywhere, and a button for the viewer where it was built and scripts run."""

import os
import re

import pytest
from httpx import AsyncClient
from playwright.async_api import Browser, Page, Route

from boxoffice.edge.vendor_files import vendor_files
from tests.chromium import CHROMIUM

LEFT_OUT = (CHROMIUM is None or not vendor_files()) and "CI" not in os.environ
in_a_browser = pytest.mark.skipif(LEFT_OUT, reason="no Chromium here, or the viewer is not built (`make test`)")


async def test_the_list_without_the_viewer(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boxoffice.edge.vendor_files.vendor_files", dict)
    page = await client.get("/api/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<script" not in page.text
    paths = (await client.get("/api/openapi.json")).json()["paths"]
    assert paths
    for path in paths:
        assert f"<code>{path}</code>" in page.text
    assert "Nights that are not over, soonest first." in page.text


async def test_nothing_inline_and_nothing_from_elsewhere(client: AsyncClient) -> None:
    page = await client.get("/api/docs")
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style| style=| on\w+=", page.text)
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert address.startswith(("/", "data:,"))
        if address.startswith(("/static/vendor/", "/api/docs/")):
            answer = await client.get(address)
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["/api/docs/page.py", "/api/docs/nothing.js", "/static/vendor/built", "/static/vendor/..%2f..%2fapp.py"]
)
async def test_nothing_else_is_served(client: AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def opened(chromium: Browser, client: AsyncClient, *, scripts: bool) -> tuple[Page, list[str]]:
    """The page, answered by the application in this process, and what the browser complained about."""
    complaints: list[str] = []

    async def answer(route: Route) -> None:
        if not route.request.url.startswith("http://localhost/"):
            complaints.append(f"asked elsewhere: {route.request.url}")
            await route.abort()
            return
        response = await client.request(route.request.method, route.request.url)
        await route.fulfill(status=response.status_code, headers=dict(response.headers), body=response.content)

    page = await (await chromium.new_context(java_script_enabled=scripts)).new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.route("**/*", answer)
    await page.goto("http://localhost/api/docs")
    return page, complaints


@pytest.mark.browser
@in_a_browser
async def test_the_viewer_shows_every_operation(chromium: Browser, client: AsyncClient) -> None:
    paths = (await client.get("/api/openapi.json")).json()["paths"]
    page, complaints = await opened(chromium, client, scripts=True)
    await page.get_by_role("button", name="Open the viewer").click()
    await page.locator("#plain").wait_for(state="hidden")
    assert await page.locator(".opblock").count() == sum(len(operations) for operations in paths.values())
    await page.locator(".opblock").first.click()
    await page.get_by_text("Try it out").wait_for()
    assert complaints == []


@pytest.mark.browser
@in_a_browser
async def test_without_scripts_the_list_stays(chromium: Browser, client: AsyncClient) -> None:
    page, complaints = await opened(chromium, client, scripts=False)
    assert await page.locator("#plain code", has_text="/api/v1/events").first.is_visible()
    assert complaints == []


async def test_every_operation_has_a_group_and_a_name_that_says_what_it_does(client: AsyncClient) -> None:
    document = (await client.get("/api/openapi.json")).json()
    groups = {tag["name"] for tag in document["tags"]}
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert {tag for operation in operations for tag in operation["tags"]} == groups
    assert all(" " in operation["summary"] for operation in operations)
