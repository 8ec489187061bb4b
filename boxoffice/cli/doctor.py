"""`boxoffice doctor`: prints what was found, and ends with 1 when something cannot work."""

import asyncio
import sys

import msgspec

from boxoffice.doctor.examine import examine
from boxoffice.doctor.finding import Finding
from boxoffice.doctor.patient import Patient
from boxoffice.settings import Reading

WIDTH = 28


def run(reading: Reading, *, machine: bool, live: bool, send_mail_to: str | None) -> None:
    """For people, or as one JSON object with `machine`."""
    found = asyncio.run(_examine(Patient.of(reading, live=live, send_mail_to=send_mail_to)))
    counts = {level: _count(found, level) for level in ("problem", "warning", "ok")}
    if machine:
        lines = [
            {"check": check} | msgspec.to_builtins(finding) for check, findings in found.items() for finding in findings
        ]
        report = {"ok": counts["problem"] == 0, "counts": counts, "findings": lines}
        print(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    else:
        _tell(found, counts)
    sys.exit(1 if counts["problem"] else 0)


async def _examine(patient: Patient) -> dict[str, list[Finding]]:
    try:
        return await examine(patient)
    finally:
        await patient.close()


def _count(found: dict[str, list[Finding]], level: str) -> int:
    return sum(finding.level == level for findings in found.values() for finding in findings)


def _tell(found: dict[str, list[Finding]], counts: dict[str, int]) -> None:
    for check, findings in found.items():
        if findings:
            print(f"\n{check}")
        for finding in findings:
            print(f"  {finding.level:<8} {finding.what:<{WIDTH}} {finding.saw}")
            if finding.do:
                print(f"  {'':<8} {'':<{WIDTH}} -> {finding.do}")
    ends = [f"{counts[level]} {level}{'' if counts[level] == 1 else 's'}" for level in ("problem", "warning")]
    print(f"\n{ends[0]}, {ends[1]}, {counts['ok']} ok (nothing to do there).")
