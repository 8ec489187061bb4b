"""Mail: whether the server is there, encrypts, and lets us in; on demand one mail."""

from urllib.parse import urlsplit

from boxoffice.doctor.finding import Finding, ok, problem, warning
from boxoffice.doctor.patient import SECONDS, Patient, names_this_machine, without_credentials
from boxoffice.foundation.db import DATABASE_PROBLEM
from boxoffice.foundation.email_address import read_email
from boxoffice.foundation.ids import new_id
from boxoffice.foundation.mail import Mail, MailboxMailer, MailNotSent, SmtpMailer

NOBODYS = ("localhost", "example.org", "example.com", "example.net")
AUTHENTICATION_REFUSED = (530, 534, 535)


async def examine(patient: Patient) -> list[Finding]:
    """Nothing is sent unless an address is given."""
    url = patient.settings.smtp_url
    if url is None:
        if "SMTP_URL" in patient.reading.given:
            return []  # its own line has said what is wrong with it
        box = f"{patient.settings.base_url}/dev/mailbox"
        return [ok("mail", f"none leaves: it is kept at {box}"), *await _send(patient)]
    where = without_credentials(url)
    try:
        encrypted, signed_in = await SmtpMailer(url, patient.settings.mail_from, SECONDS).knock()
    except MailNotSent as error:
        if error.code in AUTHENTICATION_REFUSED:
            do = "Correct user and password in SMTP_URL (percent-encode special characters), or allow SMTP for them."
            return [problem("mail", f"{where} refuses user or password ({error.code})", do)]
        do = "Check host and port of SMTP_URL, and that this machine may connect to it; many hosts close port 25."
        return [problem("mail", f"{where}: {error}", do)]
    lines = [ok("mail", f"{where} answers{', encrypted' if encrypted else ''}{', signed in' if signed_in else ''}")]
    if not encrypted and not names_this_machine(url):
        lines.append(warning("mail encryption", "mail leaves unencrypted", "Use smtps://, or a server with STARTTLS."))
    domain = patient.settings.mail_from.rstrip(">").rpartition("@")[2]
    if domain in NOBODYS and not names_this_machine(url):
        do = f"Set MAIL_FROM to an address that {urlsplit(url).hostname} may send for."
        lines.append(problem("mail sender", f"an address at {domain}, which is nobody's", do))
    return [*lines, *await _send(patient)]


async def _send(patient: Patient) -> list[Finding]:
    if patient.send_mail_to is None:
        return []
    what, settings = "trial mail", patient.settings
    try:
        to = read_email(patient.send_mail_to)
    except ValueError as error:
        return [problem(what, str(error), "Name an address: --send-mail-to you@example.org")]
    text = f"This mail was sent by `boxoffice doctor` for {settings.base_url}. It arrived, so tickets will.\n"
    mail, mail_id = Mail(to, "Trial mail of the box office", text, ""), new_id()
    try:
        if settings.smtp_url is not None:
            await SmtpMailer(settings.smtp_url, settings.mail_from, SECONDS).send(mail, mail_id)
        elif patient.db is not None:
            await MailboxMailer(patient.db, settings.mail_from).send(mail, mail_id)
        else:
            return []
    except MailNotSent as error:
        return [problem(what, str(error), f"See that {settings.mail_from} may send through this server.")]
    except DATABASE_PROBLEM:
        return [problem(what, "the mailbox needs the database", "See the lines about the database.")]
    return [ok(what, "handed over; look whether it arrives, and not as spam")]
