"""What happens outside requests: whether anybody does it, and what lies undone."""

import msgspec

from boxoffice.doctor.finding import Finding, ok, problem, warning
from boxoffice.doctor.patient import Patient
from boxoffice.foundation.db import DATABASE_PROBLEM, Query
from boxoffice.foundation.heartbeat import Heartbeat, heartbeats

WORKER_SILENT_SECONDS = 180
CRON_SILENT_SECONDS = 25 * 3600


class _Undone(msgspec.Struct, frozen=True):
    late_jobs: int
    parked_jobs: int
    unhandled_events: int
    failed_refunds: int
    in_review: int
    stripe_away_minutes: int | None


UNDONE = Query(
    _Undone,
    """
SELECT (SELECT count(*)::integer FROM job WHERE done_at IS NULL AND parked_at IS NULL
    AND run_at < clock() - interval '5 minutes') AS late_jobs,
  (SELECT count(*)::integer FROM job WHERE parked_at > clock() - interval '7 days') AS parked_jobs,
  (SELECT count(*)::integer FROM stripe_event WHERE handled_at IS NULL
    AND received_at < clock() - interval '5 minutes') AS unhandled_events,
  (SELECT count(*)::integer FROM refund WHERE status = 'failed') AS failed_refunds,
  (SELECT count(*)::integer FROM orders WHERE status = 'in_review') AS in_review,
  (SELECT (extract(epoch FROM clock() - opened_at) / 60)::integer FROM breaker WHERE opened_at IS NOT NULL)
    AS stripe_away_minutes
""",
)


async def examine(patient: Patient) -> list[Finding]:
    """Nothing when the database has no answer, or no tables: that is said elsewhere."""
    if patient.db is None:
        return []
    try:
        async with patient.db.transaction() as connection:
            beats = await heartbeats(connection)
            undone = await UNDONE.first(connection)
    except DATABASE_PROBLEM:
        return []
    assert undone is not None
    return [_alive(patient, beats), *_undone(undone)]


def _alive(patient: Patient, beats: dict[str, Heartbeat]) -> Finding:
    worker, cron = beats.get("worker"), beats.get("cron")
    if worker is not None and worker.seconds_ago <= WORKER_SILENT_SECONDS:
        return ok("worker", f"at work, seen {worker.seconds_ago:.0f} s ago")
    if cron is not None and cron.seconds_ago <= CRON_SILENT_SECONDS:
        return ok("cron", f"came {_ago(cron)}")
    if patient.settings.worker_inline:
        if not patient.settings.cron_secret:
            do = "Set CRON_SECRET and have a scheduler call /api/cron: it finds lost webhooks and ends holds."
            return warning("cron", "closed: CRON_SECRET is not set", do)
        do = "Have a scheduler call GET /api/cron with `Authorization: Bearer CRON_SECRET`, every minute if it can."
        return warning("cron", f"last came {_ago(cron)}" if cron else "never came", do)
    do = "Start `boxoffice worker` beside the web server, or set WORKER=inline with a scheduler that calls /api/cron."
    return problem("worker", f"last seen {_ago(worker)}" if worker else "never seen", do)


def _ago(beat: Heartbeat) -> str:
    minutes = round(beat.seconds_ago / 60)
    return f"{minutes} min ago" if minutes < 120 else f"{round(minutes / 60)} h ago"  # noqa: PLR2004


def _undone(undone: _Undone) -> list[Finding]:
    findings: list[Finding] = []
    if undone.stripe_away_minutes is not None:
        saw = f"no answer for {undone.stripe_away_minutes} min: buying waits, holds are kept, all else goes on"
        do = "See https://status.stripe.com and this machine's way out; it is tried again every half minute."
        findings.append(problem("payments", saw, do))
    if undone.late_jobs:
        do = "See that the worker runs, and its log; `boxoffice order CODE` shows an order's mails and refunds."
        findings.append(problem("jobs", f"{undone.late_jobs} should have been done more than 5 minutes ago", do))
    if undone.parked_jobs:
        do = "`boxoffice jobs --parked` says why, and `--retry ID` tries again; see docs/runbook/support.md."
        findings.append(warning("jobs", f"{undone.parked_jobs} given up", do))
    if undone.unhandled_events:
        do = "See the worker's log for `event was not handled`; `boxoffice order evt_...` shows the error."
        findings.append(problem("events", f"{undone.unhandled_events} received and not handled", do))
    if undone.failed_refunds:
        do = "The money is back with you: send it another way. See docs/runbook/support.md."
        findings.append(problem("refunds", f"{undone.failed_refunds} failed", do))
    if undone.in_review:
        do = "Look at each with `boxoffice order CODE`: undecided, they are refunded after 24 hours."
        findings.append(warning("orders", f"{undone.in_review} in review", do))
    return findings or [ok("work", "nothing lies undone")]
