"""What holds for every page: headers, other sites, wrong turns, the mailbox, test mode."""

import re
from dataclasses import replace
from typing import Any, cast

import pytest
from httpx import ASGITransport, AsyncClient

from boxoffice.app import create_app
from boxoffice.box import BoxOffice
from boxoffice.catalogue.palettes import HOUSE, INK_ON_DARK, INK_ON_LIGHT, PALETTES, mixed
from boxoffice.edge.static_files import static_files
from boxoffice.edge.style_sheet import preloaded_fonts, style_sheet
from boxoffice.settings import Settings
from tests.conftest import SECRET_KEY
from tests.web.cast import key_of, place
from tests.web.conftest import BROWSER, NOBODY_ANSWERS

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PAGES = ["/", "/events/tiefdruck-eins", "/events/tiefdruck-eins/poster.svg", "/tickets", "/nowhere", "/static/app.css"]


@pytest.mark.parametrize("path", [*PAGES, "/api/v1/events", "/api/v1/nowhere", "/healthz"])
async def test_every_answer_gives_the_browser_its_rules(browser: AsyncClient, path: str) -> None:
    headers = (await browser.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert f"form-action 'self' {NOBODY_ANSWERS};" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]


@pytest.mark.parametrize("path", ["/", "/events/tiefdruck-eins", "/tickets", "/nowhere"])
async def test_no_page_needs_what_the_rules_forbid(browser: AsyncClient, path: str) -> None:
    page = (await browser.get(path)).text
    assert not re.search(r'<[^>]+ (?:style|on\w+)="', page)
    assert "<style" not in page
    assert all("src=" in tag or 'type="application/ld+json"' in tag for tag in re.findall(r"<script[^>]*>", page))
    assert not re.findall(r'(?:src|href)="(?:https?:)?//(?!localhost)', page)


@pytest.mark.parametrize(
    ("headers", "with_cookie", "refused"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, True, True),
        ({"Sec-Fetch-Site": "cross-site"}, False, True),
        ({"Sec-Fetch-Site": "same-site"}, True, True),
        ({"Sec-Fetch-Site": "same-origin"}, True, False),
        ({"Sec-Fetch-Site": "none"}, True, False),
        ({"Origin": "https://evil.example"}, True, True),
        ({"Origin": "null"}, True, True),
        ({"Origin": "http://localhost:3000"}, True, False),
        ({}, True, True),
        ({}, False, False),
    ],
)
async def test_other_sites_do_nothing_in_a_persons_name(
    browser: AsyncClient, box: BoxOffice, headers: dict[str, str], with_cookie: bool, refused: bool
) -> None:
    view = await place(box)
    del browser.headers["Sec-Fetch-Site"]
    if with_cookie:
        browser.cookies.update(key_of(box, view))
    answer = await browser.post(f"/orders/{view.order.code}/release", headers=FORM | headers)
    assert (answer.status_code == 403) == refused
    assert "another site" in answer.text or not refused


async def test_stripe_calls_from_another_site(browser: AsyncClient) -> None:
    answer = await browser.post("/api/webhook", content=b"{}", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code != 403


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("POST", "/", 405),
        ("DELETE", "/tickets", 405),
        ("GET", "/orders/%00", 404),
        ("GET", "/orders/" + "9" * 5000, 404),
        ("GET", "/events/%00", 404),
        ("GET", "/dev/mailbox/none", 404),
    ],
)
async def test_wrong_turns_are_pages_with_a_way_on(browser: AsyncClient, method: str, path: str, status: int) -> None:
    answer = await browser.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    way_on = "/tickets" if path.startswith("/orders/") else "/"
    assert f'<a class="button" href="{way_on}">' in answer.text


async def test_a_body_that_is_far_too_large_is_a_page_too(browser: AsyncClient) -> None:
    answer = await browser.post("/events/tiefdruck-eins/orders", content=b"x" * 1_000_001, headers=FORM)
    assert answer.status_code == 413
    assert '<a class="button" href="/">' in answer.text


async def test_programs_get_problem_json(browser: AsyncClient) -> None:
    for path in ("/api/v1/events/nowhere", "/api/v1/nowhere"):
        answer = await browser.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("application/problem+json")
    answer = await browser.get("/nowhere", headers={"Accept": "application/json"})
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_a_bug_is_a_page_without_its_secrets(browser: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the secret")

    monkeypatch.setattr("boxoffice.web.storefront.programme.find_nights", broken)
    answer = await browser.get("/")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.text
    assert "the secret" not in answer.text


async def test_without_a_database_pages_say_so() -> None:
    settings = Settings.from_environment(
        {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "SECRET_KEY": SECRET_KEY}
    )
    transport = ASGITransport(app=cast("Any", create_app(BoxOffice.from_settings(settings))))
    async with AsyncClient(transport=transport, base_url="http://localhost", headers=BROWSER) as http:
        for path in ("/", "/tickets/ABCD1234567X"):
            answer = await http.get(path)
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
            assert "Try again in a moment" in answer.text


async def test_test_mode_is_said_on_every_page(browser: AsyncClient, box: BoxOffice) -> None:
    for path in ("/", "/tickets", "/nowhere"):
        assert "Test mode" in (await browser.get(path)).text
    live = replace(box.settings, stripe=replace(box.settings.stripe, secret_key="sk_live_of_the_pages"))  # type: ignore[type-var]
    app = create_app(BoxOffice(live, box.db, box.till))
    async with AsyncClient(transport=ASGITransport(app=cast("Any", app)), base_url="http://localhost") as http:
        assert "Test mode" not in (await http.get("/")).text


async def test_the_mailbox_is_for_development_only(browser: AsyncClient, box: BoxOffice) -> None:
    await browser.post("/tickets/login", data={"email": "mara@example.org"})
    page = await browser.get("/dev/mailbox")
    assert "mara@example.org" in page.text
    message = re.findall(r'href="(/dev/mailbox/[^"]+)"', page.text)[0]
    assert re.search(r'<a href="http://localhost:3000/tickets/link', (await browser.get(message)).text)
    framed = await browser.get(f"{message}/html")
    assert "sandbox" in framed.headers["content-security-policy"]
    assert "script-src" not in framed.headers["content-security-policy"]
    assert '<base target="_top">' in framed.text
    public = replace(box.settings, base_url="https://tickets.example.org")
    mailing = replace(box.settings, smtp_url="smtp://localhost")
    for settings in (public, mailing):
        app = create_app(BoxOffice(settings, box.db, box.till))
        transport = ASGITransport(app=cast("Any", app))
        async with AsyncClient(transport=transport, base_url="http://localhost", headers=BROWSER) as http:
            assert (await http.get("/dev/mailbox")).status_code == 404
            assert (await http.get(message)).status_code == 404
            assert (await http.get(f"{message}/html")).status_code == 404


@pytest.mark.parametrize(
    ("host", "client", "headers"),
    [
        ("localhost", "192.0.2.7", {}),
        ("tickets.example.org", "127.0.0.1", {}),
        ("localhost", "127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}),
    ],
)
async def test_the_mailbox_opens_for_nobody_elsewhere_whatever_the_settings_forgot(
    box: BoxOffice, host: str, client: str, headers: dict[str, str]
) -> None:
    assert not box.settings.production
    transport = ASGITransport(app=cast("Any", create_app(box)), client=(client, 1234))
    async with AsyncClient(transport=transport, base_url=f"http://{host}", headers=headers) as http:
        assert (await http.get("/dev/mailbox")).status_code == 404


async def test_the_service_worker_looks_after_tickets_only(browser: AsyncClient) -> None:
    worker = await browser.get("/tickets/service-worker.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["cache-control"] == "no-cache"
    assert "service-worker-allowed" not in worker.headers


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_nights_colours_are_readable_and_known_to_the_style_sheet() -> None:
    sheet = static_files()["app.css"].content.decode()
    soft_on_dark, soft_on_light = "#b3ada6", "#5c564f"
    for palette in (HOUSE, *PALETTES):
        assert f".hue-{palette.name}{{--p-ground:{palette.ground};" in sheet
        for surfaces, ink, soft in (
            (palette.dark(), INK_ON_DARK, soft_on_dark),
            (palette.light(), INK_ON_LIGHT, soft_on_light),
        ):
            assert f"--ink: {ink}; --soft: {soft};" in sheet
            for ground in (surfaces["ground"], surfaces["raised"]):
                for colour in (surfaces["accent"], ink, soft):
                    assert contrast(colour, ground) >= 4.5, (palette, colour, ground)
        assert contrast(palette.letters, palette.ground) >= 4.5, palette
        rings_cross = mixed(mixed(palette.ground, palette.spark, 0.24), palette.spark, 0.24)
        assert contrast(palette.letters, rings_cross) >= 3, palette


async def test_answers_travel_compressed_for_whoever_takes_it(browser: AsyncClient) -> None:
    for path in ("/", "/events/tiefdruck-eins", "/events/tiefdruck-eins/poster.svg", "/static/app.css", "/tickets"):
        plain = await browser.get(path, headers={"Accept-Encoding": "identity"})
        small = await browser.get(path, headers={"Accept-Encoding": "br, gzip"})
        assert "content-encoding" not in plain.headers
        assert small.headers["content-encoding"] == "gzip"
        assert small.headers["vary"] == "Accept-Encoding"
        assert small.text == plain.text
        assert int(small.headers["content-length"]) < len(plain.content) * 0.6


async def test_what_is_compressed_already_or_small_stays_as_it_is(browser: AsyncClient) -> None:
    for path in ("/healthz", *preloaded_fonts()):
        answer = await browser.get(path, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200
        assert "content-encoding" not in answer.headers


async def test_without_built_fonts_pages_use_the_machines_own(
    browser: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("boxoffice.edge.vendor_files.vendor_files", dict)
    assert preloaded_fonts() == []
    sheet = style_sheet("")
    assert "url(" not in sheet
    assert "Stand-in text" in sheet
