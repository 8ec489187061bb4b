"""The database: there, new enough, reached the right way, with all tables, at the right time of day."""

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

from boxoffice.doctor.finding import Finding, clock_finding, ok, problem, warning
from boxoffice.doctor.patient import Patient, names_this_machine, without_credentials
from boxoffice.foundation.clock import now
from boxoffice.foundation.db import DATABASE_PROBLEM, Connection, Database, Query, is_encrypted, names_a_pooler
from boxoffice.tickets.code import keys_sealed_with

MIGRATIONS = Path(__file__).resolve().parent.parent.parent / "migrations"
VERSION_MIN = 15
IDLE_SECONDS_MAX = 600
EXTENSION = re.compile(r'CREATE EXTENSION (?:IF NOT EXISTS )?"?([\w-]+)', re.IGNORECASE)
CHECKS_CERTIFICATE = ("require", "verify-ca", "verify-full")
CREATE_TABLES = 'psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f migrations/create_tables.sql'


class _Server(msgspec.Struct, frozen=True):
    version: int
    name: str
    identity: str


SERVER = Query(
    _Server,
    """
SELECT current_setting('server_version_num')::integer / 10000 AS version, current_database()::text AS name,
  current_database() || ' ' || pg_postmaster_start_time() AS identity
""",
)
IDLE_SECONDS = Query(
    int,
    """
SELECT extract(epoch FROM current_setting('idle_in_transaction_session_timeout')::interval)::integer AS seconds
""",
)
BACKEND = Query(int, "SELECT pg_backend_pid()")
TABLES = Query(str, "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
APPLIED = Query(str, "SELECT version::text FROM public.schema_migrations")
EXTENSIONS = Query(str, "SELECT extname::text FROM pg_extension")
MARKED_AS_TEST = Query(int, "SELECT 1 FROM database_mark WHERE mark = 'test'")
NIGHTS = Query(int, "SELECT count(*)::integer FROM event WHERE status = 'published' AND ends_at > clock()")


async def examine(patient: Patient) -> list[Finding]:
    """Without an answer there is one finding alone."""
    if patient.db is None:
        return [problem("database", "nothing to ask: DATABASE_URL is missing or wrong", "Set DATABASE_URL first.")]
    try:
        async with patient.db.transaction() as connection:
            server = await SERVER.first(connection)
            encrypted = is_encrypted(connection)
            tables = set(await TABLES.all(connection))
            idle = await IDLE_SECONDS.first(connection) or 0
        assert server is not None
        findings = [_version(server), _encryption(patient, encrypted=encrypted)]
        findings += await _pooler(patient)
        findings += await _direct(patient, server)
        findings.append(_idle(server, idle))
        findings += await _schema(patient, tables)
    except DATABASE_PROBLEM as error:
        return [_no_answer("database", patient.settings.database_url, error)]
    return findings


def _no_answer(what: str, url: str, error: BaseException) -> Finding:
    where, kind = without_credentials(url), type(error.__cause__ or error).__name__
    if kind in ("InvalidPasswordError", "InvalidAuthorizationSpecificationError"):
        return problem(what, f"{where} refuses the user or password", "Copy the whole URL again from your provider.")
    if kind == "InvalidCatalogNameError":
        do = "Create the database, or correct the name at the end of the URL."
        return problem(what, f"{where}: there is no database of this name", do)
    do = "Check host and port of the URL, that the server runs, and that its firewall lets this machine in."
    return problem(what, f"{where} does not answer ({kind})", do)


def _version(server: _Server) -> Finding:
    saw = f"PostgreSQL {server.version}"
    if server.version < VERSION_MIN:
        return problem("database version", saw, f"Move to PostgreSQL {VERSION_MIN} or newer.")
    return ok("database version", saw)


def _encryption(patient: Patient, *, encrypted: bool) -> Finding:
    url = patient.settings.database_url
    if names_this_machine(url) or urlsplit(url).hostname is None:
        return ok("database encryption", "not needed on this machine")
    if not encrypted:
        do = "Add ?sslmode=require to DATABASE_URL, or turn TLS on at the server."
        return problem("database encryption", "the connection is not encrypted", do)
    if parse_qs(urlsplit(url).query).get("sslmode", [""])[0] not in CHECKS_CERTIFICATE:
        do = "Add ?sslmode=require to DATABASE_URL, so that it never falls back to a plain connection."
        return warning("database encryption", "encrypted, but DATABASE_URL does not insist on it", do)
    return ok("database encryption", "encrypted, and DATABASE_URL insists on it")


def _idle(server: _Server, seconds: int) -> Finding:
    """We set it for no connection of ours: a pooler would refuse it, or give it to others."""
    what = "idle transactions"
    if 0 < seconds <= IDLE_SECONDS_MAX:
        return ok(what, f"the server ends them after {seconds} s")
    saw = f"the server ends them after {seconds} s only" if seconds else "the server never ends them"
    setting = f"ALTER DATABASE \"{server.name}\" SET idle_in_transaction_session_timeout = '1min'"
    return warning(what, f"{saw}: one that is left open keeps its locks", f"As the database's owner: {setting};")


async def _pooler(patient: Patient) -> list[Finding]:
    settings = patient.settings
    url = settings.database_url
    known = settings.database_pooled or names_a_pooler(url)
    if known:
        return [ok("database pooler", "statements are not kept prepared, as a transaction-mode pooler needs it")]
    if await _changes_backends(url):
        do = "Set DATABASE_POOLER=transaction: else prepared statements fail under load."
        return [problem("database pooler", "DATABASE_URL goes through a transaction-mode pooler", do)]
    return [ok("database pooler", "none: statements stay prepared")]


async def _changes_backends(url: str) -> bool:
    """Whether one connection is served by several backends: only a transaction-mode pooler does that. Some give out the
    backend that lies idle the longest, most the last that was used, so a second connection keeps that one busy."""
    first, second = Database(url, size=1, pooled=True), Database(url, size=1, pooled=True)
    try:
        served_by = {await _backend(first), await _backend(first)}
        async with second.transaction() as busy:
            await BACKEND.first(busy)
            served_by.add(await _backend(first))
        return len(served_by) > 1
    finally:
        await first.close()
        await second.close()


async def _backend(db: Database) -> int | None:
    async with db.transaction() as connection:
        return await BACKEND.first(connection)


async def _direct(patient: Patient, server: _Server) -> list[Finding]:
    """The way that migrations take."""
    settings = patient.settings
    direct = settings.database_url_direct
    what = "DATABASE_URL_DIRECT"
    if not direct:
        return []
    if names_a_pooler(direct):
        do = "Set DATABASE_URL_DIRECT to the URL without `-pooler` in its host."
        return [warning(what, "migrations would go through the pooler", do)]
    if direct == settings.database_url:
        return []
    other = Database(direct, size=1)
    try:
        async with other.transaction() as connection:
            answered = await SERVER.first(connection)
    except DATABASE_PROBLEM as error:
        return [_no_answer(what, direct, error)]
    finally:
        await other.close()
    assert answered is not None
    if answered.identity != server.identity:
        saw = f"another database than DATABASE_URL: {without_credentials(direct)}"
        return [problem(what, saw, "Take both URLs from the same database, or migrations change the wrong one.")]
    return [ok(what, "the same database as DATABASE_URL")]


async def _schema(patient: Patient, tables: set[str]) -> list[Finding]:
    assert patient.db is not None
    if "orders" not in tables:
        return [problem("tables", "there are none yet", f"Create them: {CREATE_TABLES}")]
    if "schema_migrations" not in tables:
        do = f"Create the tables anew in an empty database with the whole file: {CREATE_TABLES}"
        return [problem("migrations", "nothing records which ones the tables contain", do)]
    asked = time.monotonic()
    async with patient.db.transaction() as connection:
        moment = await now(connection)
        ahead = (moment - datetime.now(UTC)).total_seconds() + (time.monotonic() - asked)
        findings = [
            _migrations(set(await APPLIED.all(connection))),
            *_extensions(set(await EXTENSIONS.all(connection))),
            clock_finding("database clock", ahead),
            *await _contents(patient, connection),
        ]
        if not patient.settings.production or await MARKED_AS_TEST.first(connection) is None:
            return findings
    do = "Delete the row 'test' from database_mark: with it, clocks can be moved."
    return [*findings, problem("database mark", "this database is marked as one for tests", do)]


def _migrations(applied: set[str]) -> Finding:
    ours = {file.name.split("_")[0] for file in MIGRATIONS.glob("2*.sql")}
    missing, newer = sorted(ours - applied), sorted(applied - ours)
    if missing:
        saw = f"{len(missing)} not applied yet, from {missing[0]} on"
        return problem("migrations", saw, "Run `boxoffice migrate`, before the new code serves.")
    if newer:
        do = "Deploy the version of the box office that this database was migrated for."
        return warning("migrations", f"the database knows {newer[-1]}, this code does not", do)
    return ok("migrations", f"all {len(ours)} applied")


def _extensions(there: set[str]) -> list[Finding]:
    needed = {name for file in MIGRATIONS.glob("2*.sql") for name in EXTENSION.findall(file.read_text())}
    missing = ", ".join(sorted(needed - there))
    if missing:
        return [problem("extensions", f"missing: {missing}", "Create them as the database's owner: CREATE EXTENSION.")]
    return [ok("extensions", ", ".join(sorted(needed)))] if needed else []


async def _contents(patient: Patient, connection: Connection) -> list[Finding]:
    nights = await NIGHTS.first(connection)
    findings = [
        ok("nights", f"{nights} to come")
        if nights
        else warning("nights", "none to come", "Load some: boxoffice nights load FILE.toml")
    ]
    if patient.settings.secret_key:
        fitting, all_keys = await keys_sealed_with(connection, patient.settings.secret_key)
        if fitting < all_keys:
            saw = f"{all_keys - fitting} of {all_keys} nights' ticket keys were sealed with another SECRET_KEY"
            do = "Put the former SECRET_KEY back; without it links in old mails are dead, and tickets get new codes."
            findings.append(warning("SECRET_KEY", saw, do))
    return findings
