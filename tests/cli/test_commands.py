"""The commands, run as people run them."""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import httpx
import pytest

from boxoffice.cli import serve
from boxoffice.cli.main import COMMANDS
from tests.conftest import ROOT, SECRET_KEY
from tests.nights import NIGHT
from tests.stripe_simulator.seller import free_port


def boxoffice(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "boxoffice", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"SECRET_KEY": SECRET_KEY} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_every_command_is_a_module_that_says_what_it_runs() -> None:
    modules = sorted((ROOT / "boxoffice" / "cli").glob("*.py"))
    assert {one.stem for one in modules if "def add_arguments" in one.read_text()} == set(COMMANDS)
    for name in COMMANDS:
        command = argparse.ArgumentParser()
        import_module(f"boxoffice.cli.{name}").add_arguments(command)
        text = command.format_help()
        assert command.get_default("run") or "ACTION" in text, name


def test_nights_load(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "nights.toml"
    file.write_text(NIGHT)
    done = boxoffice("nights", "load", str(file), DATABASE_URL=database_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 night loaded" in done.stdout


def test_a_wrong_file_changes_nothing_and_says_where(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "nights.toml"
    file.write_text(NIGHT.replace('price = "12.00"', 'price = "free"'))
    done = boxoffice("nights", "load", str(file), DATABASE_URL=database_url)
    assert done.returncode == 1
    assert "night[0].ticket_type[0].release[0].price" in done.stderr


def test_migrate_has_nothing_to_do(database_url: str) -> None:
    done = boxoffice("migrate", DATABASE_URL=database_url)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_database_that_is_away_is_not_called_up_to_date() -> None:
    done = boxoffice("migrate", DATABASE_URL="postgresql://nobody@127.0.0.1:1/nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Not migrated" in done.stderr


def test_a_taken_port_is_not_shared() -> None:
    """The server itself would share it: half the requests would go to the one, half to the other."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = boxoffice("serve", "--port", str(port), DATABASE_URL="postgresql://nobody@127.0.0.1:1/nowhere")
    assert done.returncode == 1
    assert f"Another program listens on port {port}" in done.stderr


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_is_a_port(command: str) -> None:
    done = boxoffice(command, "--port", "99999")
    assert done.returncode == 2
    assert "from 1 to 65535" in done.stderr


def test_a_killed_web_process_is_followed_by_another(database_url: str) -> None:
    port = free_port()
    environment = os.environ | {"SECRET_KEY": SECRET_KEY, "DATABASE_URL": database_url}
    with subprocess.Popen(serve.command("127.0.0.1", port, 1), cwd=ROOT, env=environment) as server:
        try:
            until_ready(port)
            (worker,) = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
            os.kill(int(worker), signal.SIGKILL)
            until_ready(port)
        finally:
            server.terminate()


def until_ready(port: int) -> None:
    for _ in range(200):
        with suppress(httpx.TransportError):
            if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("the web server is not ready")


@pytest.mark.parametrize("command", [("migrate",), ("serve",), ("nights", "load", "x.toml")])
def test_without_a_database_it_says_what_to_do(command: tuple[str, ...]) -> None:
    done = boxoffice(*command)
    assert done.returncode == 1
    assert done.stderr.startswith("DATABASE_URL is not set")


def test_beside_the_demo_a_command_is_about_it_where_no_database_is_named(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "nights.toml"
    file.write_text(NIGHT)
    pairing = ("door", "pair", "tiefdruck-eins", "--gate", "Side door", "--local", str(tmp_path))
    alone = boxoffice(*pairing, DATABASE_URL="")
    assert alone.returncode == 1
    assert "DATABASE_URL" in alone.stderr
    demo = {"DATABASE_URL": database_url, "SECRET_KEY": SECRET_KEY, "BASE_URL": "http://localhost:3007"}
    (tmp_path / "running-demo.json").write_text(json.dumps(demo))
    loaded = boxoffice("nights", "load", str(file), "--local", str(tmp_path), DATABASE_URL="")
    paired = boxoffice(*pairing, DATABASE_URL="")
    assert (loaded.returncode, paired.returncode) == (0, 0), paired.stderr
    assert paired.stderr == "DATABASE_URL is not set, so this is about the demo that runs here.\n"
    assert "http://localhost:3007/door/tiefdruck-eins/" in paired.stdout
    named = boxoffice(*pairing, DATABASE_URL="postgresql://nobody@127.0.0.1:1/nowhere")
    assert named.returncode == 1
    assert "demo" not in named.stderr


def test_what_is_wrong_with_one_argument_is_said_once(tmp_path: Path) -> None:
    done = boxoffice("door", "pair", "tiefdruck-eins", "--gate", "", "--local", str(tmp_path))
    assert (done.returncode, done.stderr) == (1, "gate: A gate's name is 1 to 40 plain characters.\n")
