"""Every check at once, each with its time limit; what breaks a check is itself a finding."""

import asyncio
from collections.abc import Awaitable, Callable

from boxoffice.doctor import address, database, environment, mail, stripe_account, vercel, wallets, webhook, worker
from boxoffice.doctor.finding import Finding, problem
from boxoffice.doctor.patient import Patient
from boxoffice.foundation.logs import without_secrets

LONGEST_SECONDS = 25
"""For all answers that one check waits for."""

CHECKS: dict[str, Callable[[Patient], Awaitable[list[Finding]]]] = {
    "Environment": environment.examine,
    "Database": database.examine,
    "Stripe": stripe_account.examine,
    "Webhook": webhook.examine,
    "Mail": mail.examine,
    "Wallets": wallets.examine,
    "Address": address.examine,
    "Worker": worker.examine,
    "Vercel": vercel.examine,
}


async def examine(patient: Patient) -> dict[str, list[Finding]]:
    """The findings of every check, in the order in which they are read."""
    found = await asyncio.gather(*(_within_limits(check, patient) for check in CHECKS.values()))
    return dict(zip(CHECKS, found, strict=True))


async def _within_limits(check: Callable[[Patient], Awaitable[list[Finding]]], patient: Patient) -> list[Finding]:
    name = check.__module__.rpartition(".")[2]
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            return await check(patient)
    except TimeoutError:
        return [problem(name, f"no end after {LONGEST_SECONDS} s", "Run this again; see whether the network is slow.")]
    except Exception as error:  # noqa: BLE001 - one check that breaks must not hide the others
        saw = without_secrets(f"this check broke: {type(error).__name__}: {error}")
        return [problem(name, saw, "This is a mistake of ours: report it with this line.")]
