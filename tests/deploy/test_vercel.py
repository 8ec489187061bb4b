"""A purchase on Vercel: what its builder makes of this repository, on a read-only disk, by a strict host and its own.

`vercel.json` and `.vercelignore` decide what is there; requests do what a worker would.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from boxoffice.box import BoxOffice
from boxoffice.foundation.db import Database
from local_postgres import LocalPostgres
from stripe_simulator.core import Core
from tests.conftest import ROOT
from tests.deploy.vercel_build import build, python_of_vercel
from tests.nights import NIGHT, load
from tests.shop import Shop
from tests.shop_fixtures import answering, shop_environment, shop_settings
from tests.stripe_simulator.seller import free_port

HERE = Path(__file__).parent
CRON = {"Authorization": "Bearer a cron secret of the tests"}
END_ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()"
IMPORT_SECONDS_MAX = 2.0
"""Processor time of a cold start without bytecode, on two busy cores."""
MAY_MOUNT = os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0
SIZE_MAX = 235_000_000
"""Bytes: Vercel refuses a function of more than 250 MB."""
OTHERS = ("tests", "stripe_simulator", "local_postgres", "migrations", "scripts", "docs", "node_modules", ".venv")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MAY_MOUNT, reason="root may not mount here, and so cannot have a read-only disk"),
]


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is deployed, with this Python's packages."""
    return build(tmp_path_factory.mktemp("vercel"), sys.executable)


@pytest.fixture(scope="module")
def function_with_runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for a Python that Vercel has, with Vercel's runtime beside it."""
    python = python_of_vercel()
    if python is None:
        pytest.skip("Vercel's runtime needs Python 3.12 or newer, and this machine has none")
    return build(tmp_path_factory.mktemp("vercel"), python, ROOT / "requirements" / "vercel.txt")


@pytest.fixture
async def shop(db: Database, simulator: Core, database_url: str) -> AsyncIterator[Shop]:
    """A shop whose web address will be the deployed function's."""
    await simulator.reset()
    stripe_url = simulator.world.settings.base_url
    box = BoxOffice.from_settings(shop_settings(database_url, f"http://localhost:{free_port()}", stripe_url))
    await load(db, NIGHT)
    async with (
        httpx.AsyncClient(timeout=30, trust_env=False) as web,
        httpx.AsyncClient(base_url=stripe_url, timeout=30, trust_env=False) as stripe,
    ):
        yield Shop(box, simulator, web, stripe, "")
    await box.close()


def test_it_fits_into_what_vercel_takes(function: Path) -> None:
    size = sum(file.lstat().st_size for file in function.rglob("*") if file.is_file())
    assert size < SIZE_MAX, f"{size / 1e6:.0f} MB"


def test_nothing_but_the_product_is_deployed(function: Path) -> None:
    assert [name for name in OTHERS if (function / name).exists()] == []
    assert sorted(path.name for path in (function / "boxoffice").iterdir() if path.is_dir()) == sorted(
        path.name for path in (ROOT / "boxoffice").iterdir() if path.is_dir() and path.name != "__pycache__"
    )
    assert list((function / "boxoffice" / "static" / "vendor").glob("swagger-ui-dist-*/*.js"))


async def test_a_purchase_with_a_loop_for_every_request(
    function: Path, shop: Shop, postgres: LocalPostgres, database_url: str
) -> None:
    with _running("host.py", function, sys.executable, shop, database_url) as about:
        assert about["read_only"]
        assert about["found"] == []
        assert about["import_seconds"] < IMPORT_SECONDS_MAX
        await _somebody_buys(shop, about["port"], postgres, database_url)


async def test_a_purchase_by_vercels_own_runtime(
    function_with_runtime: Path, shop: Shop, postgres: LocalPostgres, database_url: str
) -> None:
    python = python_of_vercel()
    assert python is not None
    with _running("vercel_host.py", function_with_runtime, python, shop, database_url) as about:
        assert about["import_seconds"] < IMPORT_SECONDS_MAX
        await _somebody_buys(shop, about["port"], postgres, database_url)


async def _somebody_buys(shop: Shop, port: int, postgres: LocalPostgres, database_url: str) -> None:
    shop.url = f"http://127.0.0.1:{port}"
    shop.web.base_url = shop.url
    await answering(shop.web)
    await shop.listen()
    assert (await shop.web.get("/")).status_code == 200
    viewer = (await shop.web.get("/api/docs")).text.split('data-script="')[1].split('"')[0]
    assert (await shop.web.get(viewer)).status_code == 200
    order = await shop.ordered(2)
    postgres.psql(END_ALL.format(urlsplit(database_url).path[1:]))  # as a pooler does while the function sleeps
    await shop.pay(order)
    paid = await shop.look(order)
    assert (paid["status"], len(paid["tickets"])) == ("paid", 2)
    await shop.web.get(
        f"/orders/{order['code']}", params={"t": order["access_token"]}
    )  # the mailed link, for its cookie
    tickets = await shop.web.get(f"/orders/{order['code']}/tickets.pdf")
    assert tickets.content.startswith(b"%PDF-"), tickets.text
    assert "mara@example.org" in (await shop.web.get("/dev/mailbox")).text, "the webhook's request sent no mail"
    assert (await shop.web.get("/api/cron")).status_code == 404
    assert (await shop.web.get("/api/cron", headers=CRON)).json()["jobs"] == 0
    await shop.sound()


@contextmanager
def _running(host: str, function: Path, python: str, shop: Shop, database_url: str) -> Generator[dict[str, Any]]:
    """A host's process on a read-only disk, and what it says of itself."""
    settings = shop.box.settings
    assert settings.stripe is not None
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "VERCEL": "1",
        **shop_environment(database_url, settings.base_url, settings.stripe.api_base or ""),
    }
    command = [python, "-I", "-S", str(HERE / host), str(function)]
    with _read_only(function, command) as line:
        process = subprocess.Popen(line, env=environment, cwd=function, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            yield next(json.loads(said) for said in process.stdout if said.startswith('{"port"'))
        finally:
            process.kill()
            process.communicate()


@contextmanager
def _read_only(folder: Path, command: list[str]) -> Generator[list[str]]:
    """The command line that sees `folder` read-only: by a mount of its own as root, else by its permissions."""
    if os.geteuid() == 0:
        mount = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$0" && exec "$@"'
        yield ["unshare", "--mount", "sh", "-c", mount, str(folder), *command]
        return
    chmod = shutil.which("chmod") or "chmod"
    subprocess.run([chmod, "-R", "a-w", str(folder)], check=True)
    try:
        yield command
    finally:
        subprocess.run([chmod, "-R", "u+w", str(folder)], check=True)
