"""`boxoffice doctor`: prints what was found, and ends with 1 when something cannot work."""

import argparse
import asyncio
import sys

import msgspec

from boxoffice.cli.about import demo_runs, may_be_demo, reading_of
from boxoffice.doctor.examine import examine
from boxoffice.doctor.finding import Finding
from boxoffice.doctor.patient import Patient
from boxoffice.settings import Reading, read_environment

WIDTH = 28


def add_arguments(command: argparse.ArgumentParser) -> None:
    """`boxoffice doctor`."""
    command.add_argument("--json", action="store_true", help="for machines")
    command.add_argument("--live", action="store_true", help="try a checkout with a live key too: nobody pays")
    command.add_argument("--send-mail-to", metavar="ADDRESS", help="send one mail")
    may_be_demo(command)
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    if not arguments.demo and demo_runs(arguments) and not arguments.json:
        print("A demo runs on this machine; this looks at the environment. The demo's: boxoffice doctor --demo")
    reading = reading_of(arguments) if arguments.demo else read_environment()
    run(reading, machine=arguments.json, live=arguments.live, send_mail_to=arguments.send_mail_to)


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
