import asyncio
import re
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from boxoffice.foundation.clock import now
from boxoffice.foundation.db import Database
from boxoffice.foundation.email_address import read_email
from boxoffice.foundation.ids import new_id
from boxoffice.foundation.mail import Attachment, Mail, MailboxMailer, MailNotSent, SmtpMailer, mailer
from boxoffice.foundation.mailbox import list_messages, read_message
from boxoffice.foundation.problems import NotFound
from tests.smtp_sink import Sink

SENDER = "Kasse Tiefdruck <tickets@example.org>"
TICKET = Attachment("Eintrittskarte für Anna.pdf", "application/pdf", b"%PDF-1.7\n\x00\xff.\r\n.\r\n")
TEXT = "Grüße 👋 שלום\n.a line that begins with a dot\n" + "long " * 300
MAIL = Mail("anna@example.net", "Tiefdruck Eins – 2 Karten", TEXT, "<p>Grüße 👋</p>", (TICKET,))


async def send(sink: Sink, mail: Mail = MAIL, sender: str = SENDER) -> EmailMessage:
    async with sink.running():
        await SmtpMailer(sink.url, sender, timeout_seconds=0.5).send(mail, new_id())
    (received,) = sink.messages
    return message_from_bytes(received.replace(b"\r\n..", b"\r\n."), policy=SMTP)


async def not_sent(sink: Sink, mail: Mail = MAIL) -> MailNotSent:
    async with sink.running():
        with pytest.raises(MailNotSent) as error:
            await SmtpMailer(sink.url, SENDER, timeout_seconds=0.5).send(mail, new_id())
    assert "anna" not in str(error.value)
    assert error.value.__cause__ is None
    return error.value


async def test_a_mail_arrives_whole(db: Database) -> None:
    sink = Sink()
    message = await send(sink)
    assert sink.heard[0] == "EHLO example.org"
    assert re.fullmatch(r"MAIL FROM:<tickets@example\.org> size=\d+", sink.heard[1])
    assert sink.heard[2:] == ["RCPT TO:<anna@example.net>", "DATA", "QUIT"]
    assert message["From"] == SENDER
    assert message["To"] == "anna@example.net"
    assert message["Subject"] == "Tiefdruck Eins – 2 Karten"
    assert message["Auto-Submitted"] == "auto-generated"
    async with db.transaction() as connection:
        assert abs(parsedate_to_datetime(message["Date"]) - await now(connection)) < timedelta(minutes=1)
    assert message.get_content_type() == "multipart/mixed"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == TEXT + "\n"
    assert html.get_content().strip() == "<p>Grüße 👋</p>"
    (pdf,) = message.iter_attachments()
    assert pdf.get_filename() == TICKET.filename
    assert pdf.get_content_type() == "application/pdf"
    assert pdf.get_content() == TICKET.content


async def test_without_attachments_it_is_just_two_alternatives() -> None:
    message = await send(Sink(), Mail("anna@example.net", "Hi", "text", "<p>html</p>"))
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


async def test_plain_text_alone_is_plain_text_alone() -> None:
    message = await send(Sink(), Mail("anna@example.net", "Alarm", "text", ""))
    assert message.get_content_type() == "text/plain"


async def test_every_line_is_short_and_ascii() -> None:
    sink = Sink(extensions=("8BITMIME",))
    await send(sink)
    assert sink.messages[0].isascii()
    assert max(len(line) for line in sink.messages[0].split(b"\r\n")) <= 998


async def test_sending_again_is_recognisable() -> None:
    sink, message_id = Sink(), new_id()
    async with sink.running():
        for _ in range(2):
            await SmtpMailer(sink.url, SENDER).send(MAIL, message_id)
    ids = [message_from_bytes(message)["Message-ID"] for message in sink.messages]
    assert ids == [f"<{message_id}@example.org>"] * 2


@pytest.mark.parametrize("answer", ["hang up", "hang", "421 4.3.2 shutting down", "451 4.7.1 greylisted anna"])
@pytest.mark.parametrize("command", ["CONNECT", "MAIL", "RCPT", "DATA", "END"])
async def test_what_may_pass_is_not_permanent(command: str, answer: str) -> None:
    began = time.monotonic()
    error = await not_sent(Sink({command: answer}))
    assert not error.permanent
    if answer[0] == "4":
        assert error.code == int(answer[:3])
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("answer", ["550 no such person anna", "550 5.1.1 unknown", "552 5.2.2 mailbox full"])
@pytest.mark.parametrize("command", ["RCPT", "END"])
async def test_a_refused_recipient_or_mail_is_permanent(command: str, answer: str) -> None:
    error = await not_sent(Sink({command: answer}))
    assert error.permanent
    assert error.code == int(answer[:3])


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("RCPT", "550 5.4.5 daily sending limit exceeded"),
        ("END", "554 5.7.1 blocked by policy"),
        ("RCPT", "554 5.3.2 not accepting mail"),
        ("MAIL", "550 5.7.1 this sender may not"),
        ("CONNECT", "554 no service"),
    ],
)
async def test_what_the_house_can_mend_is_not_permanent(command: str, answer: str) -> None:
    error = await not_sent(Sink({command: answer}))
    assert not error.permanent
    assert error.code == int(answer[:3])


async def test_a_server_that_is_away_is_not_permanent() -> None:
    sink = Sink()
    async with sink.running():
        pass
    with pytest.raises(MailNotSent) as error:
        await SmtpMailer(sink.url, SENDER, timeout_seconds=0.5).send(MAIL, new_id())
    assert not error.value.permanent


async def test_a_taken_mail_is_sent_whatever_comes_after() -> None:
    for answer in ("hang up", "451 no"):
        await send(Sink({"QUIT": answer}))


async def test_a_slow_goodbye_is_awaited_for_one_second_at_most() -> None:
    began = time.monotonic()
    await send(Sink({"QUIT": "hang"}))
    assert time.monotonic() - began < 1.8


async def test_a_password_goes_over_tls_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boxoffice.foundation.mail._is_this_machine", lambda _host: False)
    sink = Sink(extensions=("AUTH PLAIN LOGIN",))
    async with sink.running():
        with pytest.raises(MailNotSent) as error:
            await SmtpMailer(f"smtp://kasse:p%40ss@127.0.0.1:{sink.port}", SENDER, 0.5).send(MAIL, new_id())
    assert not error.value.permanent
    assert not any("AUTH" in line for line in sink.heard)


async def test_a_server_on_this_machine_gets_name_and_password() -> None:
    sink = Sink({"AUTH": "235 welcome"}, extensions=("AUTH PLAIN",))
    async with sink.running():
        await SmtpMailer(f"smtp://kasse:p%40ss@127.0.0.1:{sink.port}", SENDER, 0.5).send(MAIL, new_id())
    assert "AUTH PLAIN AGthc3NlAHBAc3M=" in sink.heard
    assert len(sink.messages) == 1


async def test_a_wrong_password_is_mended_by_the_house() -> None:
    sink = Sink({"AUTH": "535 5.7.8 wrong"}, extensions=("AUTH PLAIN",))
    async with sink.running():
        with pytest.raises(MailNotSent) as error:
            await SmtpMailer(f"smtp://kasse:wrong@127.0.0.1:{sink.port}", SENDER, 0.5).send(MAIL, new_id())
    assert (error.value.permanent, error.value.code) == (False, 535)


async def test_smtps_speaks_tls_from_the_first_byte(certificate: ssl.SSLContext) -> None:
    sink = Sink(tls=certificate)
    async with sink.running():
        await SmtpMailer(f"smtps://127.0.0.1:{sink.port}", SENDER, 2).send(MAIL, new_id())
    assert len(sink.messages) == 1


async def test_starttls_is_used_where_it_is_offered(certificate: ssl.SSLContext) -> None:
    sink = Sink(start_tls=certificate, extensions=("STARTTLS",))
    async with sink.running():
        await SmtpMailer(sink.url, SENDER, 2).send(MAIL, new_id())
    assert [line.split()[0] for line in sink.heard][:4] == ["EHLO", "STARTTLS", "EHLO", "MAIL"]
    assert len(sink.messages) == 1


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("boxoffice.foundation.mail._is_this_machine", lambda _host: False)
    sink = Sink(tls=certificate)
    async with sink.running():
        with pytest.raises(MailNotSent) as error:
            await SmtpMailer(f"smtps://127.0.0.1:{sink.port}", SENDER, 2).send(MAIL, new_id())
    assert not error.value.permanent
    assert sink.messages == []


async def test_domains_of_any_script_are_sent_as_dns_writes_them() -> None:
    sink = Sink()
    message = await send(sink, Mail("kasse@straße.müller.de", "Hi", "text", "<p></p>"))
    assert "RCPT TO:<kasse@xn--strae-oqa.xn--mller-kva.de>" in sink.heard
    assert message["To"] == "kasse@xn--strae-oqa.xn--mller-kva.de"


async def test_a_local_part_beyond_ascii_needs_a_server_that_takes_it() -> None:
    mail = Mail("用户@example.net", "Hi", "text", "<p></p>")
    assert (await not_sent(Sink(), mail)).permanent
    sink = Sink(extensions=("SMTPUTF8", "8BITMIME"))
    message = await send(sink, mail)
    assert "RCPT TO:<用户@example.net>" in sink.heard
    assert message["To"] == "用户@example.net"


@pytest.mark.parametrize("breaks", ["\r\nBcc: mallory@example.org", "\nX: y", "\r", "\0", "\u2028", "\ud800"])
def test_headers_cannot_be_added(breaks: str) -> None:
    for to, subject, filename in [(breaks, "s", "f"), ("a@b.c", breaks, "f"), ("a@b.c", "s", breaks)]:
        with pytest.raises(ValueError, match="one line"):
            Mail(to, "s" + subject, "text", "<p></p>", (Attachment(filename, "text/plain", b""),))


@pytest.mark.slow
@given(st.text(max_size=20), st.text(max_size=80))
def test_one_recipient_whatever_is_typed(local: str, subject: str) -> None:
    try:
        mail = Mail(read_email(local + "@example.net"), subject, "text", "<p></p>")
    except ValueError:
        return
    try:
        message = asyncio.run(send(Sink(extensions=("SMTPUTF8", "8BITMIME")), mail))
    except MailNotSent:
        return
    assert len(message["To"].addresses) == 1
    assert message.keys().count("Bcc") + message.keys().count("Cc") == 0
    assert str(message["Subject"]).split() == mail.subject.split()


def test_a_mails_repr_names_nobody() -> None:
    shown = repr(Mail("anna@example.net", "Your code 123456", "123456", "<p>123456</p>", (TICKET,)))
    assert "anna" not in shown
    assert "123456" not in shown


@pytest.fixture
def certificate(tmp_path: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate for 127.0.0.1 that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoded = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + signed.public_bytes(Encoding.PEM)
    (tmp_path / "server.pem").write_bytes(encoded)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    return context


@dataclass
class Told:
    smtp_url: str | None
    mail_from: str = SENDER


async def test_without_a_server_mail_stays_in_the_mailbox(db: Database) -> None:
    first, second = new_id(), new_id()
    for message_id in (first, second, first):
        await mailer(Told(None), db).send(MAIL, message_id)
    async with db.transaction() as connection:
        assert [line.id for line in await list_messages(connection, 10)] == [second, first]
        assert len(await list_messages(connection, 1)) == 1
        message = await read_message(connection, first)
        with pytest.raises(NotFound):
            await read_message(connection, new_id())
    assert (message.sender, message.recipient, message.subject) == (SENDER, MAIL.to, MAIL.subject)
    assert (message.text, message.html) == (MAIL.text, MAIL.html)
    assert message.attachment_names == [TICKET.filename]
    assert message.attachment_types == ["application/pdf"]
    assert message.attachment_contents == [TICKET.content]


async def test_the_settings_choose_the_mailer(db: Database) -> None:
    sink = Sink()
    async with sink.running():
        await mailer(Told(sink.url), db).send(MAIL, new_id())
    assert len(sink.messages) == 1
    assert isinstance(mailer(Told(None), db), MailboxMailer)
