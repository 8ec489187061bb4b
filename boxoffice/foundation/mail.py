"""Mail leaves here: through the house's SMTP server, or into the mailbox of a development machine."""

import asyncio
import ipaddress
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate, parseaddr
from typing import Protocol
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiosmtplib

from boxoffice.foundation.db import Command, Database

TIMEOUT_SECONDS = 15
GOODBYE_SECONDS = 1
SMTPS_PORT, SUBMISSION_PORT, RELAY_PORT = 465, 587, 25
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ENHANCED_STATUS = re.compile(r"\s*5\.(\d)\.\d{1,3}\b")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail: its name, media type (`application/pdf`) and bytes."""

    filename: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person: `to` in the form of `read_email`, the same words as plain text and as HTML (empty: none).

    Personal data and codes stay out of its repr, and so out of logs.
    """

    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    attachments: tuple[Attachment, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.to, self.subject, *(attachment.filename for attachment in self.attachments)):
            if _CONTROL.search(line):
                raise ValueError("A header of a mail is one line without control characters.")


class MailNotSent(Exception):
    """The mail server did not take a mail, or may not have: sending it again under its id is recognisable.

    `permanent`: it never will, because of the recipient or the mail itself. `code` is the server's, None when it gave
    none. What the server said stays out: it repeats the recipient's address.
    """

    def __init__(self, reason: str, *, permanent: bool, code: int | None = None) -> None:
        super().__init__(f"The mail was not sent: {reason}.")
        self.permanent = permanent
        self.code = code


class Mailer(Protocol):
    """Sends mail. Never inside a transaction: it may take 15 seconds."""

    async def send(self, mail: Mail, message_id: UUID) -> None:
        """Hands one mail over; `message_id` is the same each time that the same mail is sent. Raises MailNotSent."""
        ...


class MailSettings(Protocol):
    """What the settings say about mail."""

    @property
    def smtp_url(self) -> str | None:
        """smtp:// (STARTTLS when offered) or smtps://; None: no mail server."""
        ...

    @property
    def mail_from(self) -> str:
        """The sender, like `Box office <tickets@example.org>`."""
        ...


def mailer(settings: MailSettings, db: Database) -> Mailer:
    """The mail server that the settings name, else the development mailbox."""
    if settings.smtp_url is None:
        return MailboxMailer(db, settings.mail_from)
    return SmtpMailer(settings.smtp_url, settings.mail_from)


class SmtpMailer:
    """Sends through an SMTP server, one connection a mail.

    A password is sent over TLS only, and certificates are checked, unless the server is this machine.
    """

    def __init__(self, smtp_url: str, mail_from: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        url = urlsplit(smtp_url)
        self._host = url.hostname or "localhost"
        self._tls = url.scheme == "smtps"
        self._username = unquote(url.username) if url.username else None
        self._password = unquote(url.password or "")
        self._port = url.port or (SMTPS_PORT if self._tls else SUBMISSION_PORT if self._username else RELAY_PORT)
        self._sender = _sender(mail_from)
        self._timeout_seconds = timeout_seconds

    async def send(self, mail: Mail, message_id: UUID) -> None:
        """Returns when the server has taken the mail. Raises MailNotSent."""
        try:
            message = mime(mail, self._sender, message_id)
        except (ValueError, IndexError) as error:
            raise MailNotSent(f"it is no message ({type(error).__name__})", permanent=True) from None
        async with self._conversation() as connection:
            async with asyncio.timeout(self._timeout_seconds):
                await connection.connect()
                await self._hand_over(connection, message, mail)
            await _say_goodbye(connection)

    async def knock(self) -> tuple[bool, bool]:
        """Connects, encrypts and signs in as for a mail, and leaves: whether it is encrypted, and signed in.

        Raises MailNotSent.
        """
        async with self._conversation() as connection:
            async with asyncio.timeout(self._timeout_seconds):
                await connection.connect()
                await connection.noop()
            encrypted = connection.get_transport_info("sslcontext") is not None
            await _say_goodbye(connection)
        return encrypted, self._username is not None

    @asynccontextmanager
    async def _conversation(self) -> AsyncGenerator[aiosmtplib.SMTP, None]:
        """A connection, closed at the end whatever happens. What goes wrong is raised as MailNotSent."""
        connection = self._connection()
        try:
            yield connection
        except TimeoutError:
            raise MailNotSent(f"no answer within {self._timeout_seconds:g} seconds", permanent=False) from None
        except aiosmtplib.SMTPResponseException as refusal:
            raise MailNotSent(f"the server answered {refusal.code}", permanent=False, code=refusal.code) from None
        except (aiosmtplib.SMTPException, OSError) as failure:
            raise MailNotSent(f"the server was lost ({type(failure).__name__})", permanent=False) from None
        finally:
            connection.close()

    def _connection(self) -> aiosmtplib.SMTP:
        elsewhere = not _is_this_machine(self._host)
        return aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password if self._username else None,
            local_hostname=self._sender.domain,
            timeout=self._timeout_seconds,
            use_tls=self._tls,
            start_tls=True if self._username and elsewhere and not self._tls else None,
            validate_certs=elsewhere,
        )

    async def _hand_over(self, connection: aiosmtplib.SMTP, message: EmailMessage, mail: Mail) -> None:
        try:
            await connection.send_message(message, sender=self._sender.addr_spec, recipients=[_ascii_domain(mail.to)])
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise _refusal(refused.recipients[0]) from None
        except aiosmtplib.SMTPDataError as refusal:
            raise _refusal(refusal) from None
        except (aiosmtplib.SMTPNotSupported, ValueError):
            raise MailNotSent("the server cannot write to this address", permanent=True) from None


class MailboxMailer:
    """Keeps mail in the database, for a development machine. Sending again under the same id changes nothing."""

    def __init__(self, db: Database, mail_from: str) -> None:
        self._db = db
        self._mail_from = mail_from

    async def send(self, mail: Mail, message_id: UUID) -> None:
        """Stores the mail in a transaction of its own."""
        names = [attachment.filename for attachment in mail.attachments]
        types = [attachment.media_type for attachment in mail.attachments]
        contents = [attachment.content for attachment in mail.attachments]
        columns = (message_id, self._mail_from, mail.to, mail.subject, mail.text, mail.html, names, types, contents)
        async with self._db.transaction() as connection:
            await KEEP.run(connection, *columns)


KEEP = Command(
    """
INSERT INTO mailbox_message (id, sender, recipient, subject, text, html, attachment_names, attachment_types,
  attachment_contents, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock()) ON CONFLICT (id) DO NOTHING
"""
)


def mime(mail: Mail, sender: Address, message_id: UUID) -> EmailMessage:
    """The mail as a MIME message: text and HTML as alternatives, then the attachments. Raises ValueError."""
    message = EmailMessage(SMTP_POLICY)
    message["From"] = sender
    local, _, domain = _ascii_domain(mail.to).rpartition("@")
    message["To"] = Address(username=local, domain=domain)
    message["Subject"] = mail.subject
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = f"<{message_id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text, cte="quoted-printable")
    if mail.html:
        message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    for attachment in mail.attachments:
        kind, _, subtype = attachment.media_type.partition("/")
        message.add_attachment(attachment.content, kind, subtype, filename=attachment.filename)
    return message


def _sender(mail_from: str) -> Address:
    name, address = parseaddr(mail_from)
    local, _, domain = _ascii_domain(address).rpartition("@")
    return Address(name, local, domain)


def _ascii_domain(email: str) -> str:
    """The address with its domain as DNS writes it: a label that is not ASCII becomes `xn--...` (RFC 3492)."""
    local, _, domain = email.rpartition("@")
    labels: Sequence[str] = [
        label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in domain.split(".")
    ]
    return f"{local}@{'.'.join(labels)}"


def _refusal(refusal: aiosmtplib.SMTPResponseException) -> MailNotSent:
    """A 5xx ends it, unless its enhanced status (RFC 3463) is about the server, the way or a policy, such as a cap."""
    status = _ENHANCED_STATUS.match(refusal.message)
    about_us = status is not None and status[1] in "3457"
    permanent = 500 <= refusal.code < 600 and not about_us  # noqa: PLR2004 - SMTP's class of permanent refusals
    return MailNotSent(f"the server answered {refusal.code}", permanent=permanent, code=refusal.code)


async def _say_goodbye(connection: aiosmtplib.SMTP) -> None:
    """What was asked for is done: a goodbye that fails must not have it done again."""
    with suppress(aiosmtplib.SMTPException, OSError):
        await connection.quit(timeout=GOODBYE_SECONDS)


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False
