"""`boxoffice doctor` as people run it: with nothing set, with everything down, for machines."""

import json
from pathlib import Path

from tests.cli.test_commands import boxoffice
from tests.shop import STRIPE_KEY, WEBHOOK_SECRET
from tests.stripe_simulator.seller import free_port

NOWHERE = "127.0.0.1:1"


def test_with_nothing_set_it_says_what_to_set(tmp_path: Path) -> None:
    done = boxoffice("doctor", "--local", str(tmp_path), BASE_URL=f"http://localhost:{free_port()}", SECRET_KEY="")
    assert (done.returncode, done.stderr) == (1, "")
    for line in (
        "problem  DATABASE_URL                 is not set",
        "-> Set it to a PostgreSQL URL",
        "problem  SECRET_KEY                   is not set",
        "warning  Stripe                       no keys are set: only free tickets can be had",
        "warning  address",
        "3 problems, 2 warnings,",
    ):
        assert line in done.stdout


def test_with_everything_down_each_is_named_in_time_and_no_secret_is_shown(tmp_path: Path) -> None:
    done = boxoffice(
        *("doctor", "--json", "--local", str(tmp_path)),
        DATABASE_URL=f"postgresql://user:canary@{NOWHERE}/boxoffice",
        BASE_URL=f"http://localhost:{free_port()}",
        STRIPE_SECRET_KEY=STRIPE_KEY,
        STRIPE_WEBHOOK_SECRET=WEBHOOK_SECRET,
        STRIPE_API_BASE=f"http://{NOWHERE}",
        SMTP_URL=f"smtp://{NOWHERE}",
        MAIL_FROM="tickets@example.org",
    )
    report = json.loads(done.stdout)
    assert (done.returncode, report["ok"], report["counts"]["problem"]) == (1, False, 3)
    problems = {one["what"]: one["do"] for one in report["findings"] if one["level"] == "problem"}
    assert set(problems) == {"database", "Stripe", "mail"}
    assert all(problems.values())
    for secret in ("canary", STRIPE_KEY, WEBHOOK_SECRET):
        assert secret not in done.stdout + done.stderr


def test_without_a_running_demo_it_says_how_to_start_one(tmp_path: Path) -> None:
    for command in (("doctor",), ("order", "mara@example.org")):
        done = boxoffice(*command, "--demo", "--local", str(tmp_path))
        assert (done.returncode, done.stderr) == (1, "No demo runs here. Start it with: make run\n")
