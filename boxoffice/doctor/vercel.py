"""What a deployment on Vercel needs beyond the rest. Silent elsewhere."""

from urllib.parse import urlsplit

from boxoffice.doctor.finding import Finding, ok, problem, warning
from boxoffice.doctor.patient import Patient
from boxoffice.foundation.db import names_a_pooler


async def examine(patient: Patient) -> list[Finding]:
    """Vercel is known by its own variables (`vercel env pull` writes them), or by the address."""
    settings, given = patient.settings, patient.reading.given
    if not given.get("VERCEL") and not (urlsplit(settings.base_url).hostname or "").endswith(".vercel.app"):
        return []
    findings: list[Finding] = []
    if not settings.worker_inline:
        do = "Set WORKER=inline: no worker runs on Vercel, so requests do the work."
        findings.append(problem("Vercel: WORKER", "not inline", do))
    if not settings.cron_secret:
        do = "Set CRON_SECRET: Vercel's cron sends it by itself, and without it nothing is repaired."
        findings.append(problem("Vercel: CRON_SECRET", "not set", do))
    if patient.at_home:
        do = "Set BASE_URL to the production domain: links in mails and Stripe's way back are made of it."
        findings.append(problem("Vercel: BASE_URL", f"{settings.base_url} is nobody's address on Vercel", do))
    if settings.database_url and not (settings.database_pooled or names_a_pooler(settings.database_url)):
        do = "Set DATABASE_URL to the pooled URL, DATABASE_URL_DIRECT to the other: functions open many connections."
        findings.append(warning("Vercel: DATABASE_URL", "not pooled", do))
    return findings or [ok("Vercel", "inline work, cron, public address and pooled database are set")]
