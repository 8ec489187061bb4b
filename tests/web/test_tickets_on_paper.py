"""PDF tickets: read back by other programs, in every script, for nobody but their buyer."""

import re
from itertools import count

import pypdfium2
import pytest
from httpx import AsyncClient

from boxoffice.box import BoxOffice
from boxoffice.edge.render import path_part
from boxoffice.foundation import letters_of_fonts
from boxoffice.foundation.ids import random_code, with_check
from boxoffice.foundation.written import write_code
from boxoffice.orders.order import OrderView
from boxoffice.tickets.code import read_payload, ticket_payload
from boxoffice.web.account.ticket_pdf import PRINTS
from tests.paper import codes, pages, pictures
from tests.shop import Shop
from tests.web.cast import ENTRY_ENDS, again, key_of, paid, place

SCRIPTS = {
    "Latin": "Zoë Šimůnek-Łuczak ß Nguyễn",
    "Greek and Cyrillic": "Αλέξανδρος Владимир Їжак",
    "Arabic": "نور الهدى بنت عبد الرحمن",
    "Hebrew": "דוד לוי",
    "Chinese": "王小明 陳冠宇 龍",
    "Japanese": "田中さくら カタカナ",
    "Korean": "김민지 뷁",
    "Devanagari": "देवी प्रिया श्रीवास्तव",
    "Bengali and Tamil": "অনন্যা தமிழ்",
    "Thai": "สมชาย ใจดี",
    "Armenian and Georgian": "Արմեն ნინო",
    "emoji": "Zoë 🎧 👩🏽‍🚀 ❤️ 1️⃣ 🇩🇪",
}
MARKUP = ("#panic()", "$x$ *a* _b_", "\\ @ref <label> `raw`", '= /* */ // [#read("/etc/passwd")]', '"); #panic("x')
OF_EVERY_TICKET = (
    "Tiefdruck Eins",
    "Keller Drei",
    "Hafenweg 3",
    "Hamburg",
    "TIEFDRUCK",
    "Entry",
    "22:00",
    "18+",
    "€12.00",
    "Berlin time",
)
WITHOUT_A_HOLE = b"pdfuaid"  # in the metadata of PDF/UA-1, which typst refuses to write where a glyph is missing


def bare(text: str) -> str:
    """Without spaces, marks of direction and places where a long word may break."""
    return re.sub("[\\s\u200b\u200e\u200f]", "", text)


async def tickets_pdf(browser: AsyncClient, box: BoxOffice, view: OrderView) -> bytes:
    browser.cookies.update(key_of(box, view))
    answer = await browser.get(f"/orders/{view.order.code}/tickets.pdf")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    return answer.content


async def change(box: BoxOffice, sql: str, *values: object) -> None:
    async with box.db.transaction() as connection:
        await connection.execute(sql, *values)


async def payloads(box: BoxOffice, view: OrderView) -> list[str]:
    async with box.db.transaction() as connection:
        return [
            await ticket_payload(connection, box.settings.secret_key, view.order.event_id, one.id, one.revision)
            for one in view.tickets
        ]


async def test_every_ticket_of_an_order_has_a_page_whose_code_the_door_can_check(
    browser: AsyncClient, box: BoxOffice
) -> None:
    view = await paid(box, quantity=3, names=("Mara Winterfeld", "Otto", "Zoë"))
    pdf = await tickets_pdf(browser, box, view)
    shown = pages(pdf)
    assert len(shown) == 3
    for text, ticket in zip(shown, view.tickets, strict=True):
        for words in (*OF_EVERY_TICKET, ticket.holder, write_code(ticket.code), write_code(view.order.code)):
            assert words in text
    drawn = pictures(pdf)
    assert [codes(page) for page in drawn] == [[text] for text in await payloads(box, view)]
    assert all(read_payload(text) for page in drawn for text in codes(page))
    grey = [page.min(axis=2) for page in pictures(pdf, 90)]  # a bad printer without colour
    assert [codes(page)[0] for page in grey] == await payloads(box, view)


async def test_the_code_is_large_enough_and_has_its_quiet_zone(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paid(box, quantity=1)
    codes_of_night = (with_check(view.tickets[0].code[:4] + random_code(7)) for _ in count())
    async with box.db.transaction() as connection:  # the tallest sign of all
        await connection.execute("UPDATE ticket SET code = $1", next(one for one in codes_of_night if "$" in one))
    pdf = await tickets_pdf(browser, box, await again(box, view))
    with pypdfium2.PdfDocument(pdf) as document:
        page = document[0]
        assert [round(points / 72 * 25.4) for points in page.get_size()] == [210, 297]
        (left, bottom, right, top) = min(
            (one.get_bounds() for one in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])),
            key=lambda box: box[0],
        )
        millimetre = 72 / 25.4
        assert right - left == pytest.approx(top - bottom) == pytest.approx(49 * millimetre, abs=0.1)
        module = (right - left) / 41
        text = page.get_textpage()
        for x in (left - 4 * module, right):
            assert text.get_text_bounded(x, bottom, x + 4 * module, top).strip() == ""
        assert text.get_text_bounded(left, top, right, top + 4 * module).strip() == ""
        assert text.get_text_bounded(left, bottom - 4 * module, right, bottom).strip() == ""


@pytest.mark.parametrize("script", SCRIPTS)
async def test_names_of_every_script_are_written_without_a_hole(
    browser: AsyncClient, box: BoxOffice, script: str
) -> None:
    name = SCRIPTS[script]
    pdf = await tickets_pdf(browser, box, await paid(box, quantity=1, names=(name,)))
    assert WITHOUT_A_HOLE in pdf
    assert "…" not in pages(pdf)[0]
    if script not in ("emoji", "Arabic", "Hebrew"):
        assert bare(name) in bare(pages(pdf)[0])
    elif script != "emoji":
        assert set(name) <= set(pages(pdf)[0])


async def test_letters_that_no_font_has_are_left_out_and_the_paper_says_so(
    browser: AsyncClient, box: BoxOffice
) -> None:
    pdf = await tickets_pdf(browser, box, await paid(box, quantity=1, names=("ᯀᯂ Siregar",)))
    assert WITHOUT_A_HOLE in pdf
    assert "… Siregar" in pages(pdf)[0]
    assert "stands for letters that this paper cannot show" in pages(pdf)[0]


async def test_not_even_mischief_keeps_a_ticket_from_being_printed(browser: AsyncClient, box: BoxOffice) -> None:
    """Accents of two scripts on a corner bracket: no font has all three."""
    pdf = await tickets_pdf(browser, box, await paid(box, quantity=1, names=("Mara \u05ae」\u0351x",)))
    assert WITHOUT_A_HOLE not in pdf
    assert "Mara" in pages(pdf)[0]


@pytest.mark.parametrize("name", MARKUP)
async def test_words_of_people_are_never_markup(browser: AsyncClient, box: BoxOffice, name: str) -> None:
    view = await paid(box, quantity=1, names=(name,))
    await change(box, "UPDATE event SET title = $1", name)
    text = pages(await tickets_pdf(browser, box, view))[0]
    assert bare(text).count(bare(name)) >= 2


@pytest.mark.parametrize("ends", ENTRY_ENDS)
async def test_a_table_and_its_last_entry_are_told_on_page_and_paper(
    browser: AsyncClient, box: BoxOffice, ends: str
) -> None:
    view = await paid(box, quantity=1)
    await change(box, "UPDATE ticket_type SET admits = 6")
    await change(box, ENTRY_ENDS[ends])
    (paper,) = pages(await tickets_pdf(browser, box, view))
    page = (await browser.get(f"/tickets/{path_part(view.tickets[0].code)}")).text
    assert "For 6 people, entry until 00:30." in paper
    assert "Admits 6" in paper
    assert "<dt>Entry until</dt><dd>00:30</dd>" in page
    assert "<dt>People</dt><dd>6</dd>" in page


async def test_the_longest_names_leave_the_code_alone(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paid(box, quantity=3, names=("W" * 100, "نور" * 33, "👩🏽‍🎤" * 14))
    await change(box, "UPDATE event SET title = $1", "Ein sehr langer Titel " * 9)
    await change(box, "UPDATE venue SET name = $1, address = $1", "Das alte Kraftwerk am Fluss " * 4)
    await change(box, "UPDATE ticket_type SET name = name || $1", " Weekend pass with everything" * 4)
    pdf = await tickets_pdf(browser, box, view)
    assert len(pages(pdf)) == 3
    assert [codes(page) for page in pictures(pdf)] == [[text] for text in await payloads(box, view)]


async def test_the_file_says_what_it_is_in_which_language_and_not_when_it_was_made(
    browser: AsyncClient, box: BoxOffice
) -> None:
    view = await paid(box, quantity=2)
    pdf = await tickets_pdf(browser, box, view)
    with pypdfium2.PdfDocument(pdf) as document:
        about = document.get_metadata_dict()
    assert about["Title"] == "Tickets: Tiefdruck Eins"
    assert about["CreationDate"] == about["ModDate"] == ""
    assert b"/Lang(en-GB)" in pdf.replace(b" ", b"")
    assert await tickets_pdf(browser, box, view) == pdf


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("UPDATE ticket SET status = 'cancelled'", "Cancelled"),
        ("UPDATE ticket SET status = 'refunded'", "Refunded"),
        ("UPDATE ticket SET blocked_reason = 'disputed'", "Cancelled"),
        ("UPDATE event SET status = 'cancelled'", "The night is cancelled"),
    ],
)
async def test_a_ticket_that_opens_nothing_is_printed_without_a_code(
    browser: AsyncClient, box: BoxOffice, sql: str, word: str
) -> None:
    view = await paid(box, quantity=1)
    await change(box, sql)
    browser.cookies.update(key_of(box, view))
    pdf = (await browser.get(f"/tickets/{view.tickets[0].code}/ticket.pdf")).content
    assert word in pages(pdf)[0]
    assert write_code(view.tickets[0].code) not in pages(pdf)[0]
    assert codes(pictures(pdf)[0]) == []
    assert await tickets_pdf(browser, box, view) == pdf


async def test_an_order_prints_what_opens_the_door(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paid(box, quantity=3)
    await change(box, "UPDATE ticket SET status = 'cancelled' WHERE id = $1", view.tickets[0].id)
    shown = pages(await tickets_pdf(browser, box, view))
    assert len(shown) == 2
    assert "Ticket 1 of 2".upper() in shown[0]
    assert not any(write_code(view.tickets[0].code) in text for text in shown)


async def test_a_used_ticket_says_so_on_paper(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paid(box, quantity=1)
    await change(box, "UPDATE ticket SET status = 'used', used_at = clock()")
    assert "Used at " in pages(await tickets_pdf(browser, box, view))[0]


async def test_tickets_of_others_are_not_there(browser: AsyncClient, box: BoxOffice) -> None:
    foreign = await paid(box, email="otto@example.org")
    browser.cookies.update(key_of(box, await paid(box)))
    for address in (f"/tickets/{foreign.tickets[0].code}/ticket.pdf", f"/orders/{foreign.order.code}/tickets.pdf"):
        answer = await browser.get(address)
        assert answer.status_code == 404
        assert b"%PDF" not in answer.content


async def test_an_order_without_tickets_has_no_paper(browser: AsyncClient, box: BoxOffice) -> None:
    view = await place(box)
    browser.cookies.update(key_of(box, view))
    assert (await browser.get(f"/orders/{view.order.code}/tickets.pdf")).status_code == 404


async def test_nobody_prints_without_end(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paid(box, quantity=1)
    browser.cookies.update(key_of(box, view))
    address = f"/tickets/{view.tickets[0].code}/ticket.pdf"
    answers = [(await browser.get(address)).status_code for _ in range(PRINTS.times + 1)]
    assert answers == [200] * PRINTS.times + [503]


async def test_pages_lead_to_the_paper(browser: AsyncClient, box: BoxOffice) -> None:
    view = await paid(box, quantity=1)
    browser.cookies.update(key_of(box, view))
    order, ticket = f"/orders/{path_part(view.order.code)}", f"/tickets/{path_part(view.tickets[0].code)}"
    assert f'href="{order}/tickets.pdf"' in (await browser.get(order)).text
    assert f'href="{ticket}/ticket.pdf"' in (await browser.get(ticket)).text


async def test_without_fonts_there_is_a_sentence_and_no_link(
    browser: AsyncClient, box: BoxOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = await paid(box, quantity=1)
    browser.cookies.update(key_of(box, view))
    monkeypatch.setattr(letters_of_fonts, "font_files", tuple)  # as where nothing was built
    answer = await browser.get(f"/orders/{view.order.code}/tickets.pdf")
    assert answer.status_code == 503
    assert "The page of the ticket has it all" in answer.text
    assert "tickets.pdf" not in (await browser.get(f"/orders/{view.order.code}")).text


async def test_the_mail_brings_the_paper(shop: Shop) -> None:
    await shop.pay(await shop.ordered(2))
    await shop.tick()
    async with shop.box.db.transaction() as connection:
        (mail,) = await connection.fetch("SELECT * FROM mailbox_message")
    assert mail["attachment_names"] == ["tickets-tiefdruck-eins.pdf"]
    assert "The PDF with this mail is for paper" in mail["text"]
    (pdf,) = mail["attachment_contents"]
    assert len(pdf) < 300_000
    assert [len(codes(page)) for page in pictures(pdf)] == [1, 1]
