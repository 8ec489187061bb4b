"""`make run`, as somebody runs it: everything up, said where, once, and gone at the end."""

import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from boxoffice.cli.demo_environment import environment_of_demo, readable_by_commands, running_demo
from boxoffice.settings import Settings
from tests.conftest import ROOT
from tests.wallet.keys import apple_environment, google_environment

DATABASE = "postgresql://postgres@127.0.0.1:1/boxoffice"
SIMULATOR_DATABASE = "postgresql://postgres@127.0.0.1:1/stripe_simulator"


def test_the_whole_demo(tmp_path: Path) -> None:
    port = _free_port()
    with _demo(port, tmp_path) as demo:
        try:
            said = _until_open(demo)
            base_url = f"http://localhost:{port}"
            simulator = said.split("Stripe      ")[1].split()[0]
            assert "4242 4242 4242 4242" in said
            for path in ("/", "/tickets", "/dev/mailbox", "/api/docs", "/organiser/events/sub-zero/door"):
                assert f"{base_url}{path}\n" in said
            assert httpx.get(f"{base_url}/readyz").status_code == 200
            assert httpx.get(f"{base_url}/api/v1/events").json()
            assert [hook["url"] for hook in _webhook_endpoints(simulator)] == [f"{base_url}/api/webhook"]
            assert "18</strong> <span>inside now" in _organiser_looks(base_url)
            assert _buys_a_ticket(base_url, simulator) == ("paid", 1)
            assert _doctor_is_content(tmp_path)
            assert _a_phone_near_by_scans(said, port + 1, tmp_path / "https" / "certificate.pem") == "admitted"
            for other in (port, _free_port()):
                again = _run_demo(other, tmp_path)
                assert again.returncode == 1
                assert f"already runs: {base_url}." in again.stderr
        finally:
            demo.send_signal(signal.SIGTERM)
        assert demo.wait(30) == 0
    for url in (base_url, simulator):
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)
    assert stat.S_IMODE((tmp_path / "demo.env").stat().st_mode) == 0o600
    assert not (tmp_path / "running-demo.json").exists()


def test_commands_beside_the_demo_read_what_it_was_started_with(tmp_path: Path) -> None:
    """Keys of several lines too: or `doctor --demo` would say that there are no passes where there are."""
    keys = apple_environment() | google_environment()
    with readable_by_commands(keys | {"DATABASE_URL": DATABASE, "HOME": "/root"}, tmp_path):
        assert stat.S_IMODE((tmp_path / "running-demo.json").stat().st_mode) == 0o600
        assert running_demo(tmp_path) == keys | {"DATABASE_URL": DATABASE}
    assert list(tmp_path.iterdir()) == []


def test_what_the_demo_brings_is_complete_and_stays(tmp_path: Path) -> None:
    kept = tmp_path / "demo.env"
    environment, simulator = environment_of_demo("http://localhost:3000", DATABASE, SIMULATOR_DATABASE, kept)
    settings = Settings.from_environment(environment)
    assert simulator is not None
    assert settings.stripe is not None
    assert settings.stripe.api_base == simulator.url
    assert simulator.environment["STRIPE_SIMULATOR_WEBHOOK_URL"] == "http://localhost:3000/api/webhook"
    assert settings.stripe.webhook_secrets == (simulator.environment["STRIPE_SIMULATOR_WEBHOOK_SECRET"],)
    again, _ = environment_of_demo("http://localhost:3000", DATABASE, SIMULATOR_DATABASE, kept)
    for name in ("SECRET_KEY", "CRON_SECRET", "STRIPE_WEBHOOK_SECRET"):
        assert environment[name] == again[name]


def test_a_test_key_of_ones_own_replaces_the_simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_test_somebodys_own")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_somebodys_own")
    environment, simulator = environment_of_demo("http://localhost:3000", DATABASE, SIMULATOR_DATABASE, tmp_path / "x")
    stripe = Settings.from_environment(environment).stripe
    assert simulator is None
    assert stripe is not None
    assert (stripe.secret_key, stripe.webhook_secrets, stripe.api_base) == (
        "sk_test_somebodys_own",
        ("whsec_somebodys_own",),
        None,
    )


def test_a_live_key_is_refused(tmp_path: Path) -> None:
    done = _run_demo(_free_port(), tmp_path, STRIPE_SECRET_KEY="sk_live_canary1234")
    assert done.returncode == 1
    assert done.stderr.startswith("STRIPE_SECRET_KEY is a live key")
    assert "canary" not in done.stderr
    assert not any(tmp_path.iterdir())


def test_a_taken_port_of_the_simulators_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr("boxoffice.cli.demo_environment.SIMULATOR_PORT", port)
        _, simulator = environment_of_demo("http://localhost:3000", DATABASE, SIMULATOR_DATABASE, tmp_path / "x")
    assert simulator is not None
    assert simulator.port > port


def _command(port: int, local: Path) -> list[str]:
    return [sys.executable, "-m", "boxoffice", "demo", "--port", str(port), "--local", str(local)]


def _demo(port: int, local: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen([*_command(port, local), "--https"], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _run_demo(port: int, local: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    command, environ = _command(port, local), os.environ | environment
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60)


def _until_open(demo: "subprocess.Popen[str]") -> str:
    assert demo.stdout is not None
    said: list[str] = []
    for line in demo.stdout:
        said.append(line)
        if line.startswith("Stop it with"):
            return "".join(said)
    raise AssertionError("".join(said))


def _a_phone_near_by_scans(said: str, port: int, certificate: Path) -> str:
    """What the door answers over https, whose certificate is good for this address and nobody else's."""
    link, pin, code = re.findall(r"Scanner     (\S+)\n  its PIN     (\d{6}), for tickets like (\S+)", said)[0]
    _, _, slug, secret = urlsplit(link).path.split("/")
    assert urlsplit(link).port == port
    path = f"/api/v1/events/{slug}"
    origin = f"https://{urlsplit(link).netloc}"
    with httpx.Client(base_url=origin, verify=ssl.create_default_context(cafile=str(certificate))) as phone:
        assert "Pair this scanner" in phone.get(link).text
        paired = phone.post(f"{path}/door/pairings", json={"link": secret, "pin": pin}).json()
        scan = {"device": paired["device_id"], "nonce": "of-the-demo", "code": code}
        scan["scanned_at"] = datetime.now(UTC).isoformat()
        headers = {"Authorization": f"Bearer {paired['token']}"}
        return phone.post(f"{path}/scans", json=scan, headers=headers).json()["answer"]


def _organiser_looks(base_url: str) -> str:
    """The page of the demo's door, for whom the demo names, signed in by the code in the mailbox."""
    headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
    with httpx.Client(base_url=base_url, timeout=20, follow_redirects=True, headers=headers) as browser:
        assert "Your nights" in browser.get("/organiser/events/sub-zero/door").text
        browser.post("/tickets/login", data={"email": "boss@example.org"})
        mails = re.findall(r'href="(/dev/mailbox/[^"]+)".+to <bdi>(\S+)</bdi>', browser.get("/dev/mailbox").text)
        mail = browser.get(next(where for where, to in mails if to == "boss@example.org")).text
        code = re.findall(r"^\s*(\d{8})\s*$", mail, re.MULTILINE)[0]
        return browser.post("/tickets/code", data={"email": "boss@example.org", "code": code}).text


def _doctor_is_content(local: Path) -> bool:
    """`boxoffice doctor --demo` beside the running demo; the worker has a moment to show itself."""
    command = [sys.executable, "-m", "boxoffice", "doctor", "--demo", "--local", str(local), "--json"]
    for _ in range(5):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
        if [one for one in json.loads(done.stdout)["findings"] if one["level"] != "ok"] == []:
            return done.returncode == 0
        time.sleep(1)
    return False


def _webhook_endpoints(simulator: str) -> list[dict[str, str]]:
    answer = httpx.get(f"{simulator}/v1/webhook_endpoints", auth=("sk_test_boxoffice_demo", ""))
    return answer.json()["data"]


def _buys_a_ticket(base_url: str, simulator: str) -> tuple[str, int]:
    """The order's status and how many tickets it has once the hosted page has been paid and the webhook is heard."""
    with httpx.Client(base_url=base_url, timeout=20) as http:
        slug = http.get("/api/v1/events").json()[0]["slug"]
        ticket_type = http.get(f"/api/v1/events/{slug}").json()["ticket_types"][0]["id"]
        placed = http.post(
            f"/api/v1/events/{slug}/orders",
            json={"email": "buyer@example.org", "lines": [{"ticket_type": ticket_type, "quantity": 1}]},
            headers={"Idempotency-Key": "a-first-try-of-the-demo"},
        ).json()
        session = placed["checkout_url"].rsplit("/", 1)[1]
        card = {"card": "4242424242424242", "wait": True}
        httpx.post(f"{simulator}/_control/checkout/sessions/{session}/pay", json=card, timeout=20).raise_for_status()
        bearer = {"Authorization": f"Bearer {placed['access_token']}"}
        order = http.get(f"/api/v1/orders/{placed['code']}", headers=bearer).json()
    return order["status"], len(order["tickets"])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
