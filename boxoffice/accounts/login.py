"""Signing in without a password: a code and a link by e-mail, good once, in the browser that asked for them."""

import hmac
import ipaddress
import math
import unicodedata
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field, replace
from uuid import UUID

import msgspec

from boxoffice.accounts.sessions import Person, hash_secret, open_session
from boxoffice.foundation.db import Command, Connection, Query
from boxoffice.foundation.ids import new_id
from boxoffice.foundation.jobs import enqueue
from boxoffice.foundation.problems import Problem, TooOften
from boxoffice.foundation.rate_limit import Limit, allow
from boxoffice.foundation.signing import derived_key

PER_EMAIL = Limit("login mails to one address", 5, 3600)
PER_NETWORK = Limit("login mails asked for from one network", 60, 3600)
"""Above it nobody is refused, or a venue's guests behind one address would be: but only addresses that are known here
get a mail, so that a flood of made-up ones leads nowhere."""
CODE_LENGTH = 8
"""Five mails an hour with five tries each, for a year, find one code of 500. Counting tries by address would be shorter
to type, and would let anybody lock its owner out."""
BROWSER_SECRET_LENGTH_MIN = 32
TRIES_MAX = 5
ASK_AGAIN = "Ask for a new mail."
MAIL_JOB = "mail_login"
KNOWN_ALONE = "known_alone"


class LoginRefused(Problem):
    """The code or link does not sign in here; the sentence says what to do."""

    status = 422
    type = "login_refused"
    title = "Not signed in"


class LoginEnded(LoginRefused):
    """The code or link was good once and is no longer."""

    status = 410


class LoginTooOften(TooOften):
    """Too many sign-in mails were asked for. It says nothing about whether the address is known."""

    type = "login_too_often"
    title = "Too many sign-in mails"


@dataclass(frozen=True, slots=True)
class LoginMail:
    """What to mail for one request: eight digits to type, and a secret that the link of the mail carries.

    `crowded`: so many ask from this network that only an address known here is mailed to.
    """

    id: UUID
    email: str
    code: str = field(repr=False)
    link_secret: str = field(repr=False)
    crowded: bool = False


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in, and the token of the new session for the cookie."""

    person: Person
    token: str = field(repr=False)


class Open(msgspec.Struct, frozen=True):
    """A sign-in that is being tried."""

    id: UUID
    code_hash: bytes


class Why(msgspec.Struct, frozen=True):
    """Why a sign-in cannot be used."""

    used: bool
    ended: bool
    tries: int


ASK = Command(
    """
INSERT INTO login_request (id, email, code_hash, link_hash, browser_hash, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, clock(), clock() + interval '15 minutes')
"""
)

# Counted before it is compared, and locked until the transaction ends: however many try at the same moment, five are
# compared, and one of them signs in.
COUNT_TRY = Query(
    Open,
    """
UPDATE login_request SET tries = tries + 1
WHERE id = (
    SELECT id FROM login_request WHERE browser_hash = $1 AND email = $2 ORDER BY created_at DESC, id DESC LIMIT 1)
  AND used_at IS NULL AND expires_at > clock() AND tries < 5
RETURNING id, code_hash
""",
)

CLAIM = Command("UPDATE login_request SET used_at = clock() WHERE id = $1 AND used_at IS NULL")

CLAIM_LINK = Query(
    str,
    """
UPDATE login_request SET used_at = clock()
WHERE link_hash = $1 AND browser_hash = $2 AND used_at IS NULL AND expires_at > clock()
RETURNING email
""",
)

WHY_NOT_CODE = Query(
    Why,
    """
SELECT used_at IS NOT NULL AS used, expires_at <= clock() AS ended, tries FROM login_request
WHERE browser_hash = $1 AND email = $2 ORDER BY created_at DESC, id DESC LIMIT 1
""",
)

WHY_NOT_LINK = Query(
    Why,
    "SELECT used_at IS NOT NULL AS used, expires_at <= clock() AS ended, tries FROM login_request WHERE link_hash = $1",
)

MEET = Query(
    Person,
    """
INSERT INTO person (id, email, created_at) VALUES ($1, $2, clock())
ON CONFLICT (email) DO UPDATE SET email = excluded.email RETURNING id, email
""",
)

TO_MAIL = Query(str, "SELECT email FROM login_request WHERE id = $1 AND used_at IS NULL AND expires_at > clock()")

DELETE_OLD = Command(
    """
WITH mailed AS (
  DELETE FROM job USING login_request
  WHERE job.name = 'mail_login' AND job.subject = login_request.id::text
    AND login_request.expires_at < clock() - interval '1 day')
DELETE FROM login_request WHERE expires_at < clock() - interval '1 day'
"""
)


async def request_login(connection: Connection, secret_key: str, email: str, browser: str, address: str) -> LoginMail:
    """Writes down one wish to sign in and the job of mailing it. It is good once, for 15 minutes, in this browser.

    `email` is in the form of `read_email`, `browser` the random secret in the asking browser's cookie (at least 32
    characters), `address` the client's network address. Known and unknown e-mails get the same answer from the same
    work. Raises LoginTooOften, and LoginRefused when the browser keeps no cookie.
    """
    if len(browser) < BROWSER_SECRET_LENGTH_MIN:
        raise LoginRefused("Your browser did not keep our cookie. Allow cookies for this site and ask again.")
    crowded = await allow(connection, PER_NETWORK, _network(address)) > 0
    wait = await allow(connection, PER_EMAIL, email)
    if wait:
        raise LoginTooOften(
            f"We have sent several mails to this address. Use the newest one, or ask again in {_minutes(wait)}.", wait
        )
    mail = replace(_mail(secret_key, new_id(), email), crowded=crowded)
    code_hash, link_hash = _hash_code(mail.code, browser), hash_secret(mail.link_secret)
    await ASK.run(connection, mail.id, email, code_hash, link_hash, hash_secret(browser))
    to_whom = KNOWN_ALONE if crowded else ""
    await enqueue(connection, MAIL_JOB, str(mail.id), {"login_id": str(mail.id), "to": to_whom})
    return mail


async def mail_of_login(connection: Connection, secret_key: str, login_id: UUID) -> LoginMail | None:
    """What to mail for a request; None once it has been used, or is older than 15 minutes."""
    email = await TO_MAIL.first(connection, login_id)
    return None if email is None else _mail(secret_key, login_id, email)


async def confirm_code(connection: Connection, email: str, code: str, browser: str) -> SignedIn | LoginRefused:
    """Signs in whoever types the code of the newest mail that this browser asked for; the person is created when new.

    Digits of any script are read, whatever stands between them is not. A refusal is returned, not raised: the wrong
    try must be committed with it. Raise it after the transaction.
    """
    digits = "".join(str(unicodedata.digit(character)) for character in code if character.isdigit())
    if len(digits) != CODE_LENGTH:
        return LoginRefused("A code has eight digits. Type the one from our newest mail to you.")
    tried = await COUNT_TRY.first(connection, hash_secret(browser), email)
    if tried is None:
        return _refusal(await WHY_NOT_CODE.first(connection, hash_secret(browser), email))
    if not hmac.compare_digest(tried.code_hash, _hash_code(digits, browser)):
        return LoginRefused("This is not the code of our newest mail to you. Look again and type all eight digits.")
    claimed = await CLAIM.run(connection, tried.id)
    return await _sign_in(connection, email) if claimed == 1 else LoginEnded(ASK_AGAIN)


async def confirm_link(connection: Connection, link_secret: str, browser: str) -> SignedIn | LoginRefused:
    """Signs in the browser that asked for the link. Call it for a POST only: mail scanners open every link by GET.

    A refusal is returned, as from `confirm_code`. In another browser the link signs nobody in and stays good.
    """
    email = await CLAIM_LINK.first(connection, hash_secret(link_secret), hash_secret(browser))
    if email is not None:
        return await _sign_in(connection, email)
    return _refusal(await WHY_NOT_LINK.first(connection, hash_secret(link_secret)))


async def link_refusal(connection: Connection, link_secret: str) -> LoginRefused | None:
    """Why the link signs nobody in, wherever it is opened; None while it may. Uses nothing up."""
    why = await WHY_NOT_LINK.first(connection, hash_secret(link_secret))
    if why is None:
        return LoginRefused("This link is not one of ours, or it is an old one. " + ASK_AGAIN)
    return _refusal(why) if why.used or why.ended else None


async def delete_old_requests(connection: Connection) -> int:
    """Deletes what ended more than a day ago; how many."""
    return await DELETE_OLD.run(connection)


async def _sign_in(connection: Connection, email: str) -> SignedIn:
    person = await MEET.first(connection, new_id(), email)
    assert person is not None
    return SignedIn(person, await open_session(connection, person.id))


def _refusal(why: Why | None) -> LoginRefused:
    if why is None:
        return LoginRefused("Nobody asked to sign in with this from here. Ask for a mail in this browser.")
    if why.used:
        return LoginEnded("This was used already: it signs in once. " + ASK_AGAIN)
    if why.ended:
        return LoginEnded("This is older than 15 minutes. " + ASK_AGAIN)
    if why.tries >= TRIES_MAX:
        return LoginEnded("Five wrong codes were typed. " + ASK_AGAIN)
    return LoginRefused("Open the link in the browser that asked for it, or type the code from the mail there.")


def _mail(secret_key: str, login_id: UUID, email: str) -> LoginMail:
    """Code and secret follow from the request and SECRET_KEY: they are stored nowhere, not even until mailed."""
    key = derived_key(secret_key, "sign-in mails")
    number = int.from_bytes(hmac.digest(key, b"code" + login_id.bytes, "sha256"), "big") % 10**CODE_LENGTH
    link_secret = urlsafe_b64encode(hmac.digest(key, b"link" + login_id.bytes, "sha256")).rstrip(b"=").decode()
    return LoginMail(login_id, email, f"{number:0{CODE_LENGTH}}", link_secret)


def _hash_code(code: str, browser: str) -> bytes:
    """Keyed with a secret that only the browser has: eight digits alone could be found from their hash."""
    return hmac.digest(browser.encode(errors="replace"), code.encode(), "sha256")


def _network(address: str) -> str:
    """The address as one subscriber has it: IPv6 hands out at least a /64 to each."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _minutes(seconds: float) -> str:
    minutes = math.ceil(seconds / 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"
