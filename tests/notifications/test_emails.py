import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from boxoffice.foundation.ids import new_id
from boxoffice.foundation.mail import Attachment, Mail, SmtpMailer
from boxoffice.notifications.emails import RefundReason, refund_mail, tickets_mail
from tests.notifications.mails import BASE, EMAIL, LOGIN_LINK, ORDER_LINK, every_mail, refund, tickets
from tests.smtp_sink import Sink

TITLE = "Tiefdruck Eins"
OVERRIDES = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066\u2067]")
NAMES = {
    "arabic": "محمد عبد الله",
    "hebrew": "דָּוִד לוי",
    "emoji": "DJ 👩🏽\u200d🎤 Ü\u0308",
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": "\" onmouseover='alert(1)' x=\"",
    "template": "{{ 7 * 7 }}{% raw %}",
    "override": "Anna \u202egreB\u202c \u2067X",
    "control": "Anna\0\r\nBcc: mallory@example.org\x1b[2J",
    "long": "x" * 10_000,
}
PLAIN = NAMES | {"override": "Anna greB X", "control": "Anna Bcc: mallory@example.org [2J"}
KINDS = list(every_mail("", ("",)))


class Page(HTMLParser):
    """What a mail program would see: its tags, attributes and words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.links: list[str | None] = []
        self.words = ""
        self.feed(html)
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.words += data


def mail(kind: str, name: str = TITLE) -> Mail:
    return every_mail(name, (name, "Bela"))[kind]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_shown_and_stays_a_name(kind: str, name: str) -> None:
    made, usual = mail(kind, NAMES[name]), mail(kind)
    page, usual_page = Page(made.html), Page(usual.html)
    assert page.tags == usual_page.tags
    assert [name for name, _ in page.attributes] == [name for name, _ in usual_page.attributes]
    assert page.links == usual_page.links
    for words in (made.subject, made.text, made.html):
        assert not OVERRIDES.search(words)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", words)
    assert len(made.subject) <= 90
    assert made.text.count("\u2068") == made.text.count("\u2069")
    assert len(made.text.splitlines()) == len(usual.text.splitlines())
    if kind in {"tickets", "alarm"}:
        assert PLAIN[name] in made.text
    if kind not in {"alarm", "login"}:
        assert PLAIN[name] in page.words


@pytest.mark.slow
@given(st.text(max_size=60))
def test_whatever_is_written_the_mail_keeps_its_form(name: str) -> None:
    assert Page(mail("tickets", name).html).tags == Page(mail("tickets").html).tags
    assert not OVERRIDES.search(mail("tickets", name).text)


@pytest.mark.parametrize("name", ["arabic", "hebrew"])
def test_a_name_from_right_to_left_turns_nothing_beside_it_around(name: str) -> None:
    assert f"\u2068{NAMES[name]}\u2069" in mail("tickets", NAMES[name]).text
    assert f"\u2068{NAMES[name]}\u2069" in mail("tickets", NAMES[name]).html


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_loaded_and_nobody_is_followed(kind: str) -> None:
    made = mail(kind)
    page = Page(made.html)
    assert not {"img", "script", "link", "iframe", "object", "form", "video", "svg", "base"} & set(page.tags)
    assert not {"src", "srcset", "background", "data"} & {name for name, _ in page.attributes}
    assert "url(" not in made.html
    assert "@import" not in made.html
    assert all(link and link.startswith(f"{BASE}/") for link in page.links)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("transfer")])
def test_a_mail_about_a_ticket_sent_on_tells_neither_order_nor_price(kind: str) -> None:
    made = mail(kind)
    for words in (made.text, Page(made.html).words):
        assert TITLE in words
        assert not re.search(r"\b[Oo]rder|€", words)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith(("login", "alarm", "transfer"))])
def test_every_mail_about_an_order_names_it_and_leads_to_it(kind: str) -> None:
    made = mail(kind)
    page = Page(made.html)
    assert made.to == EMAIL
    assert ORDER_LINK in page.links
    assert ORDER_LINK in made.text.splitlines()
    assert "7K3F 9QXW 2M4T" in page.words
    assert "7K3F 9QXW 2M4T" in made.text
    assert TITLE in page.words
    assert TITLE in made.text
    for words in (page.words, made.text):
        assert ("€33.00" in words) == (not kind.startswith(("cancelled", "disputed")))


CANCELLED_SAYS = {
    "unpaid": ("You had not paid yet, and nothing was taken.", "The canal is in the machine room."),
    "free": (
        "Your tickets no longer open the door, and there is no money to pay back",
        "The canal is in the machine room.",
    ),
    "tickets": ("These tickets no longer open the door, and there is no money to pay back", "7K3F 0M8Q 2XWV"),
}


@pytest.mark.parametrize(("kind", "said"), CANCELLED_SAYS.items())
def test_what_is_cancelled_is_said_with_what_happens_to_the_money(kind: str, said: tuple[str, ...]) -> None:
    made = mail(f"cancelled-{kind}")
    for words in (Page(made.html).words, " ".join(made.text.split())):
        assert all(one in words for one in said)
        assert ("The night does not take place" in words or f"{TITLE} does not take place" in words) == (
            kind != "tickets"
        )


def test_a_refund_of_some_tickets_says_which_and_that_the_others_stay() -> None:
    made = mail("refund-of-a-ticket")
    for words in (Page(made.html).words, " ".join(made.text.split())):
        assert "This ticket is refunded and no longer opens the door" in words
        assert "7K3F 0M8Q 2XWV" in words
        assert "The other one of your order stays valid." in words
        assert "The organiser says: See you in May." in words


def test_the_sign_in_mail_has_code_link_and_limits() -> None:
    made = mail("login")
    page = Page(made.html)
    for words in (page.words, made.text):
        assert "483920" in words
        assert "tickets.example.org" in words
        assert "15 minutes" in words
        assert "browser" in words
    assert page.links == [LOGIN_LINK]
    assert LOGIN_LINK in made.text.splitlines()
    assert "483920" not in made.subject


def test_the_tickets_mail_has_all_that_the_door_and_the_taxi_need() -> None:
    made = tickets_mail(tickets(TITLE, ("Anna Berg", "", "Bela")))
    assert made.subject == "Your 3 tickets: Tiefdruck Eins"
    for words in (Page(made.html).words, made.text):
        for fact in (
            "Friday 4 December 2026",
            "Doors 22:00",
            "tart 23:00",
            "Berlin time, UTC+1",
            "Keller Drei",
            "Hafenweg 3, 20359 Hamburg",
            "Early bird",
            "Anna Berg",
            "7K3F 0M8Q 2XWV",
            "7K3F 1M8Q 2XWV",
            "Bela",
            "€33.00",
        ):
            assert fact in words, fact
    assert f"{BASE}/tickets" in Page(made.html).links
    assert f"{BASE}/tickets" in made.text


def test_one_free_ticket_is_one_free_ticket() -> None:
    made = tickets_mail(tickets(TITLE, ("Anna",), total_minor=0))
    assert made.subject == "Your ticket: Tiefdruck Eins"
    assert "Total: Free" in made.text
    assert "1 of 1" not in Page(made.html).words


def test_a_start_after_midnight_names_its_day() -> None:
    made = tickets_mail(tickets(TITLE, ("Anna",), starts_at=datetime(2026, 12, 4, 23, 30, tzinfo=UTC)))
    for words in (Page(made.html).words, made.text):
        assert "tart 00:30 on Saturday 5 December 2026" in words


WHY = {
    RefundReason.CAME_TOO_LATE: "none were left",
    RefundReason.PAID_TWICE: "paid twice",
    RefundReason.NOT_CONFIRMED: "could not confirm the order",
    RefundReason.EVENT_CANCELLED: "does not take place",
}
A_PART = "A part of what you paid goes back to you"
"""Asked for, goodwill, or made at Stripe: the buyer need not know which."""


@pytest.mark.parametrize("reason", RefundReason)
def test_a_refund_says_why_how_much_and_when(reason: RefundReason) -> None:
    made = refund_mail(refund(TITLE, reason))
    for words in (Page(made.html).words, " ".join(made.text.split())):
        assert [why for why, said in WHY.items() if said in words] == ([reason] if reason in WHY else [])
        assert (A_PART in words) == (reason not in WHY)
        assert "€33.00 is on its way back to you" in words
        assert "5 to 10 working days" in words


def test_a_payment_on_its_way_says_until_when_tickets_are_kept() -> None:
    for words in (Page(mail("settling").html).words, mail("settling").text):
        assert "Friday 4 December 2026, 22:00 (Berlin time, UTC+1)" in words
        assert "do not pay again" in words


def test_a_payment_being_checked_asks_for_nothing() -> None:
    for words in (Page(mail("review").html).words, " ".join(mail("review").text.split())):
        assert "nothing you have to do" in words
        assert "do not pay again" in words


def test_an_alarm_is_plain_text_that_begins_with_what_happened() -> None:
    made = mail("alarm")
    assert made.html == ""
    assert made.subject == f"Alarm: Order of {TITLE} for {TITLE}: amounts differ."
    assert made.text == f"Order of {TITLE} for {TITLE}: amounts differ.\n\nFrom the box office at tickets.example.org."


def test_text_is_text() -> None:
    title = "Rock & Roll <3 'n' \"Bass\""
    for kind in KINDS:
        assert "&amp;" not in mail(kind, title).text
        lines = mail(kind).text.splitlines()
        assert max(len(line) for line in lines if not line.startswith(BASE)) <= 78
    assert title in mail("tickets", title).text
    assert title in mail("tickets", title).subject


@pytest.mark.parametrize("kind", KINDS)
async def test_every_mail_goes_out(kind: str) -> None:
    sink = Sink()
    async with sink.running():
        await SmtpMailer(sink.url, "tickets@example.org").send(mail(kind, "שלום 👋"), new_id())
    assert len(sink.messages) == 1


def test_attachments_go_with_the_tickets() -> None:
    pdf = Attachment("tickets.pdf", "application/pdf", b"%PDF")
    assert tickets_mail(replace(tickets(TITLE, ("Anna",)), attachments=(pdf,))).attachments == (pdf,)
