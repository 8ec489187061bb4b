"""What `boxoffice doctor` sees of the mail server, and the one mail that it sends when asked."""

import pytest

from boxoffice.doctor import mail
from boxoffice.doctor.finding import Finding
from boxoffice.doctor.patient import Patient
from boxoffice.settings import read_environment
from tests.conftest import SECRET_KEY
from tests.smtp_sink import Sink


async def findings_of(sink: Sink, to: str | None = None, **more: str) -> dict[str, Finding]:
    given = {"SECRET_KEY": SECRET_KEY, "SMTP_URL": sink.url, "MAIL_FROM": "Tickets <tickets@example.org>"}
    patient = Patient.of(read_environment(given | more), send_mail_to=to)
    return {finding.what: finding for finding in await mail.examine(patient)}


async def test_it_knocks_and_sends_nothing() -> None:
    async with Sink().running() as sink:
        findings = await findings_of(sink)
    assert (findings["mail"].level, findings["mail"].saw) == ("ok", f"{sink.url} answers")
    assert (sink.messages, list(findings)) == ([], ["mail"])


async def test_it_sends_one_when_asked() -> None:
    async with Sink().running() as sink:
        findings = await findings_of(sink, to="Mara@example.org")
    assert findings["trial mail"].level == "ok"
    (message,) = sink.messages
    assert b"To: mara@example.org" in message


@pytest.mark.parametrize(
    ("answers", "what", "words"),
    [
        ({"CONNECT": "hang up"}, "mail", "Check host and port of SMTP_URL"),
        ({"CONNECT": "554 no"}, "mail", "the server answered 554"),
        ({"AUTH": "535 5.7.8 no"}, "mail", "refuses user or password (535)"),
        ({"MAIL": "550 5.7.1 not yours"}, "trial mail", "may send through this server"),
    ],
)
async def test_what_is_refused(answers: dict[str, str], what: str, words: str) -> None:
    sink = Sink(answers=answers, extensions=("AUTH PLAIN LOGIN",))
    async with sink.running():
        user = {"SMTP_URL": f"smtp://user:canary@127.0.0.1:{sink.port}"} if "AUTH" in answers else {}
        findings = await findings_of(sink, to="mara@example.org", **user)
    assert findings[what].level == "problem"
    assert words in f"{findings[what].saw} -> {findings[what].do}"
    assert "canary" not in str(findings)


async def test_no_address_is_no_mail() -> None:
    async with Sink().running() as sink:
        findings = await findings_of(sink, to="mara")
    assert findings["trial mail"].level == "problem"
    assert sink.messages == []
