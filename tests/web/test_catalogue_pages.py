"""The demo's programme over HTTP: every state of a night with its words, every link alive, and what machines read."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree as ET

import pytest
import vobject
from httpx import AsyncClient

from boxoffice.box import BoxOffice
from boxoffice.cli.demo_door import SLUG
from boxoffice.cli.demo_orders import BOUGHT, buy_for_the_demo
from boxoffice.door.device import night_of
from boxoffice.foundation.money import exponent
from boxoffice.orders.sell_at_door import OFFERS
from tests.conftest import ROOT
from tests.nights import load
from tests.orders.test_place import WRONG_STOCKS

TODAY = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BASE = "http://localhost:3000"


@pytest.fixture
async def demo(browser: AsyncClient, box: BoxOffice) -> AsyncClient:
    """A browser before the demo's nights, on a Tuesday in November; the night of the other tests is not there."""
    async with box.db.transaction() as connection:
        await connection.execute("UPDATE event SET status = 'draft'")
    await load(box.db, (ROOT / "nights" / "demo.toml").read_text(), TODAY)
    box.db.moved_clock = TODAY
    return browser


async def text_of(browser: AsyncClient, path: str) -> str:
    """What a person reads on a page."""
    page = await browser.get(path)
    assert page.status_code == 200, path
    main = page.text.split('<main id="content">')[1].split("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).replace("&#39;", "'").split())


@pytest.mark.parametrize(
    ("slug", "when", "words"),
    [
        (
            "kesselhaus-opening",
            None,
            ["on sale", "Early bird", "€14.00", "after that", "€18.50", "Last entry 05:00", "18+"],
        ),
        (
            "kesselhaus-opening",
            None,
            ["Coming back in", "Out is out", "Cloakroom", "02:00 – 05:00", "Berlin time, UTC+1"],
        ),
        ("dub-club", datetime(2026, 12, 5, 22, 40, tzinfo=UTC), ["The sale has ended"]),
        ("dub-club", datetime(2026, 12, 6, 3, 0, tzinfo=UTC), ["This night is over", "sale has ended"]),
        (
            "sub-zero",
            None,
            ["Only 10 tickets are left", "First ten sold out", "Second ten sold out", "Last ten only 10 left €18.00"],
        ),
        ("osnowa", None, ["Sold out. Tickets that come back appear here", "Chair sold out", "PLN"]),
        ("minamo-listening", None, ["Only 3 tickets are left", "only 3 left", "¥3,500"]),
        ("long-way-home", None, ["On sale from Mon 30 Nov 2026, 12:00 , Berlin time, UTC+1", "not yet"]),
        ("donaurauschen", None, ["This night is cancelled. The canal is in the machine room", "gets all of it back"]),
        ("mare-alta", None, ["This night has moved.", "on Fri 18 Dec 2026, 23:30 at Doca Velha", "Tickets stay good"]),
        ("mare-alta", None, ["It is now on Sat 9 Jan 2027, 23:30 at Armazém da Maré", "The old dock has a new owner"]),
        ("heure-volee", None, ["At 02:00 the clocks go forward to 03:00: Toronto time, UTC−4 from then on"]),
        ("slipway", None, ["Helgen", "Mould loft", "Sat 22:00 – 01:00", "End Sun 04:00", "Blind", "€59.00", "€89.00"]),
        ("kesselhaus-closing", None, ["This night is over"]),
        ("noor", None, ["Age all", "free", "نور الليل"]),
    ],
)
async def test_each_state_has_its_words(
    demo: AsyncClient, box: BoxOffice, slug: str, when: datetime | None, words: list[str]
) -> None:
    if slug in BOUGHT:
        box.db.moved_clock = None
        await load(box.db, (ROOT / "nights" / "demo.toml").read_text())
        await buy_for_the_demo(box.settings)
    if when is not None:
        box.db.moved_clock = when
    page = await text_of(demo, f"/events/{slug}")
    for one in words:
        assert one in page, page


async def test_what_the_demo_sold_is_true(demo: AsyncClient, box: BoxOffice) -> None:
    box.db.moved_clock = None
    await load(box.db, (ROOT / "nights" / "demo.toml").read_text())
    for _ in range(2):
        await buy_for_the_demo(box.settings)
    async with box.db.transaction() as connection:
        assert await WRONG_STOCKS.all(connection) == []
        assert await connection.fetchval("SELECT count(*) FROM ticket") == 62
    left = {}
    for slug in BOUGHT:
        left[slug] = (await demo.get(f"/api/v1/events/{slug}")).json()["ticket_types"][0]["available"]
    assert left == {"sub-zero": 10, "osnowa": 0, "minamo-listening": 3}
    programme = await text_of(demo, "/")
    assert "Sold out" in programme
    assert "Only 3 left" in programme


async def test_the_demos_door_has_something_to_sell_for_cash_and_by_card(demo: AsyncClient, box: BoxOffice) -> None:
    box.db.moved_clock = None
    await load(box.db, (ROOT / "nights" / "demo.toml").read_text())
    await buy_for_the_demo(box.settings)
    assert (await demo.get(f"/events/{SLUG}")).status_code == 200
    async with box.db.transaction() as connection:
        (offer,) = await OFFERS.all(connection, (await night_of(connection, SLUG)).id)
    assert (offer.name, offer.left, offer.cash, offer.card) == ("Gallery", 10, True, True)


async def test_the_programme_names_each_state(demo: AsyncClient) -> None:
    programme = await text_of(demo, "/")
    for words in (
        "Cancelled",
        "New date",
        "On sale Mon 30 Nov, 12:00",
        "from €14.00",
        "from £9.00",
        "Free",
        "¥3,500",
    ):
        assert words in programme
    assert "Kesselhaus Closing" not in programme
    assert "Took place" in await text_of(demo, "/past")


async def test_searching_and_filtering_need_no_script(demo: AsyncClient) -> None:
    page = await demo.get("/", params={"q": "keselhaus"})
    assert "Nothing is called" in page.text
    assert "Kesselhaus Opening" in page.text
    page = await demo.get("/", params={"q": "<script>'\"%_", "city": "<b>", "date": "<i>", "artist": "<u>"})
    assert page.status_code == 200
    for tag in ("<script>'", "<b>", "<i>", "<u>"):
        assert tag not in page.text
    nothing = await text_of(demo, "/?q=xqzwvy")
    assert "We found nothing for “ xqzwvy ”" in nothing
    assert "Look in past nights" in nothing
    assert "There is no artist at this address" in await text_of(demo, "/?artist=nobody")
    assert (await demo.get("/", params={"q": "a" * 5000})).status_code == 200
    assert (await demo.get("/", params={"q": "a\0b"})).status_code in (200, 303)


async def test_an_address_says_what_is_looked_for_and_nothing_else(demo: AsyncClient) -> None:
    asked = await demo.get("/?genre=dub&q=++low%20++orbit&city=&date=&utm_source=mail")
    assert (asked.status_code, asked.headers["location"]) == (303, "/?q=low+orbit&genre=dub")
    assert (await demo.get("/?q=low+orbit&genre=dub")).status_code == 200
    assert (await demo.get("/?utm_source=mail")).status_code == 200


async def test_the_api_takes_the_same_filters(demo: AsyncClient) -> None:
    nights = (await demo.get("/api/v1/events", params={"city": "glasgow", "genre": "dub"})).json()
    assert [night["slug"] for night in nights] == ["dub-club"]
    assert sorted(nights[0]) == ["slug", "starts_at", "status", "time_zone", "title"]
    refused = await demo.get("/api/v1/events", params={"date": "soon"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "date"
    described = (await demo.get("/api/openapi.json")).json()["paths"]["/api/v1/events"]["get"]["parameters"]
    assert {"q", "city", "date", "artist", "venue", "genre", "after"} == {one["name"] for one in described}


async def test_the_api_tells_of_a_night_what_its_page_tells(demo: AsyncClient) -> None:
    night = (await demo.get("/api/v1/events/mare-alta")).json()
    assert night["moved_from"]["venue"] == "Doca Velha"
    assert night["venue"]["slug"] == "armazem-da-mare"
    assert night["line_up"][0]["artist"] == "Inez Carvalhal"
    assert night["sale"] == "open"


def data_of(page: str) -> Any:
    """The JSON-LD of a page, as a parser of HTML hands it on."""
    (found,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    return json.loads(found)


async def test_machines_read_the_prices_that_people_pay(demo: AsyncClient) -> None:
    for night in (await demo.get("/api/v1/events")).json():
        told = data_of((await demo.get(f"/events/{night['slug']}")).text)
        detail = (await demo.get(f"/api/v1/events/{night['slug']}")).json()
        assert told["@type"] == "MusicEvent"
        assert datetime.fromisoformat(told["startDate"]) == datetime.fromisoformat(night["starts_at"])
        assert told["location"]["geo"]["latitude"] == detail["venue"]["latitude"]
        assert [act["name"] for act in told["performer"]] == [act["artist"] for act in detail["line_up"]]
        assert len(told["offers"]) == len(detail["ticket_types"])
        for offer, kind in zip(told["offers"], detail["ticket_types"], strict=True):
            assert offer["priceCurrency"] == kind["currency"].upper()
            assert Decimal(offer["price"]) == Decimal(kind["price"]).scaleb(-exponent(kind["currency"]))


@pytest.mark.parametrize(
    ("slug", "status", "availability"),
    [
        ("dub-club", "EventScheduled", "InStock"),
        ("long-way-home", "EventScheduled", "PreOrder"),
        ("donaurauschen", "EventCancelled", "Discontinued"),
        ("mare-alta", "EventRescheduled", "InStock"),
        ("kesselhaus-closing", "EventScheduled", "OutOfStock"),
    ],
)
async def test_machines_read_the_state(demo: AsyncClient, slug: str, status: str, availability: str) -> None:
    told = data_of((await demo.get(f"/events/{slug}")).text)
    assert told["eventStatus"] == f"https://schema.org/{status}"
    assert told["offers"][0]["availability"] == f"https://schema.org/{availability}"
    assert ("previousStartDate" in told) is (status == "EventRescheduled")


async def test_a_title_cannot_end_the_data(demo: AsyncClient, box: BoxOffice) -> None:
    title = "</script><script>alert(1)</script>&\u2028"
    async with box.db.transaction() as connection:
        await connection.execute("UPDATE event SET title = $1 WHERE slug = 'dub-club'", title)
    page = (await demo.get("/events/dub-club")).text
    assert data_of(page)["name"] == title
    assert "<script>alert" not in page


async def entries(demo: AsyncClient, path: str) -> dict[str, Any]:
    """The entries of a calendar by their UID, read by another library."""
    answer = await demo.get(path)
    assert answer.headers["content-type"].startswith("text/calendar")
    calendar = vobject.readOne(answer.text)
    return {event.uid.value: event for event in calendar.vevent_list}


async def test_a_night_in_the_calendar_crosses_the_clock_change(demo: AsyncClient) -> None:
    (night,) = (await entries(demo, "/events/heure-volee.ics")).values()
    # From 22:00, five hours behind UTC, to 07:00, four behind it.
    assert night.dtstart.value.astimezone(UTC) == datetime(2027, 3, 14, 3, 0, tzinfo=UTC)
    assert night.dtend.value.astimezone(UTC) == datetime(2027, 3, 14, 11, 0, tzinfo=UTC)
    assert night.status.value == "CONFIRMED"
    assert night.url.value == f"{BASE}/events/heure-volee"


async def test_calendars_of_an_artist_and_a_venue_agree_with_those_of_the_nights(demo: AsyncClient) -> None:
    of_artist = await entries(demo, "/artists/mira-volt.ics")
    of_venue = await entries(demo, "/venues/kesselhaus-neun.ics")
    (opening,) = (await entries(demo, "/events/kesselhaus-opening.ics")).items()
    uid, event = opening
    assert of_artist[uid].dtstart.value == of_venue[uid].dtstart.value == event.dtstart.value
    assert (len(of_artist), len(of_venue)) == (5, 4)


async def test_a_calendar_hears_of_a_move_and_a_cancellation(demo: AsyncClient, box: BoxOffice) -> None:
    before = await entries(demo, "/artists/low-orbit.ics")
    text = (ROOT / "nights" / "demo.toml").read_text()
    later = text.replace('"saturday in 1 weeks 22:00"', '"sunday in 1 weeks 22:00"')
    await load(box.db, later.replace('subtitle = "Eleven hours"', 'subtitle = ""\nstatus = "cancelled"'), TODAY)
    after = await entries(demo, "/artists/low-orbit.ics")
    assert before.keys() == after.keys()
    moved = [uid for uid in after if after[uid].dtstart.value != before[uid].dtstart.value]
    assert len(moved) == 1
    assert int(after[moved[0]].sequence.value) > int(before[moved[0]].sequence.value)
    assert after[moved[0]].dtstart.value - before[moved[0]].dtstart.value == timedelta(days=1)
    assert sorted(event.status.value for event in after.values()) == ["CANCELLED", "CONFIRMED", "CONFIRMED"]


async def test_every_address_of_the_sitemap_is_a_page(demo: AsyncClient) -> None:
    answer = await demo.get("/sitemap.xml")
    urls = ET.fromstring(answer.content)
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    locations = [str(one.text) for one in urls.iter(f"{space}loc")]
    assert len(locations) > 40
    assert len(list(urls.iter(f"{space}lastmod"))) == len(locations) - 2
    for location in locations:
        page = await demo.get(location.removeprefix(BASE))
        assert page.status_code == 200, location
        assert f'<link rel="canonical" href="{location}">' in page.text
    robots = (await demo.get("/robots.txt")).text
    assert f"Sitemap: {BASE}/sitemap.xml" in robots


async def test_every_link_is_alive(demo: AsyncClient) -> None:
    waiting, seen = ["/", "/past", "/robots.txt", "/sitemap.xml"], set[str]()
    kinds = set[str]()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = await demo.get(path)
        assert answer.status_code == 200, path
        kinds.add(path.split("/")[1].split("?")[0])
        if answer.headers["content-type"].startswith("text/html"):
            for address in re.findall(r'(?:href|src)="([^"]+)"', answer.text):
                target = urlsplit(urljoin(BASE + path, address.replace("&amp;", "&")))
                if target.netloc == "localhost:3000":
                    waiting.append(target.path + (f"?{target.query}" if target.query else ""))
                else:
                    assert target.scheme == "https", address
    assert {"events", "artists", "venues", "static", "tickets"} <= kinds
    assert len(seen) > 100


async def test_who_has_a_page_already_is_not_sent_it_again(demo: AsyncClient) -> None:
    paths = ("/", "/past", "/?city=berlin", "/events/dub-club", "/artists/low-orbit", "/venues/dock-hall")
    for path in (*paths, "/sitemap.xml", "/robots.txt", "/events/dub-club.ics", "/events/dub-club/poster.svg"):
        first = await demo.get(path)
        assert first.headers["cache-control"].startswith("public, max-age="), path
        assert "set-cookie" not in first.headers
        again = await demo.get(path, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b""), path
        assert again.headers["etag"] == first.headers["etag"]
        assert (await demo.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


@pytest.mark.parametrize(
    "path", ["/artists/nobody", "/venues/nowhere", "/artists/nobody.ics", "/events/x.ics", "/venues/%00"]
)
async def test_what_is_not_there_is_said(demo: AsyncClient, path: str) -> None:
    page = await demo.get(path)
    assert page.status_code == 404
    assert "There is no" in page.text


async def test_an_artist_and_a_venue_are_told(demo: AsyncClient) -> None:
    artist = await text_of(demo, "/artists/zoe-simunek")
    for words in ("Brno, Czechia", "House", "a following of bakers", "Dub Club", "Poslední smyčka"):
        assert words in artist
    assert 'href="https://mira-volt.example/"' in (await demo.get("/artists/mira-volt")).text
    venue = await text_of(demo, "/venues/kesselhaus-neun")
    for words in ("Am Gaswerk 9", "Eight minutes on foot", "Level from the gate", "Room for 450", "Past nights"):
        assert words in venue
    assert (
        "https://www.openstreetmap.org/?mlat=52.541100&amp;mlon=13.412700"
        in (await demo.get("/venues/kesselhaus-neun")).text
    )
