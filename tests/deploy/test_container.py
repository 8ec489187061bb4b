"""The Containerfile without an engine: its steps run in a folder, then its commands as the image starts them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from local_postgres import LocalPostgres
from tests.conftest import ROOT, SECRET_KEY
from tests.stripe_simulator.seller import free_port

TOOLS = Path(sys.executable).parent
START_SECONDS = 30
STOP_SECONDS = 15

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Image:
    """What was built, and how it is started."""

    folder: Path
    entrypoint: list[str]
    command: list[str]
    healthcheck: list[str]

    def line(self, *command: str) -> list[str]:
        """A command line in the image's folder."""
        return [str(self.folder / self.entrypoint[0]), *self.entrypoint[1:], *command]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Every stage's COPY and RUN in one folder, in order."""
    folder = tmp_path_factory.mktemp("image") / "app"
    programs = tmp_path_factory.mktemp("programs")
    folder.mkdir()
    (programs / "python").symlink_to(Path(sys._base_executable).resolve())  # type: ignore[attr-defined]
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}{os.pathsep}{TOOLS}"}
    said: dict[str, list[str]] = {}
    for word, rest in _instructions():
        if word == "COPY" and not rest.startswith("--from"):
            _copy(rest.split(), folder)
        elif word == "RUN" and not rest.startswith("useradd"):
            subprocess.run(["sh", "-c", rest], cwd=folder, env=environment, check=True)
        elif word in ("ENTRYPOINT", "CMD"):
            said[word] = json.loads(rest)
        elif word == "HEALTHCHECK":
            said[word] = json.loads(rest.partition(" CMD ")[2])
    return Image(folder, said["ENTRYPOINT"], said["CMD"], said["HEALTHCHECK"])


def test_the_image_migrates_serves_works_and_stops(image: Image, postgres: LocalPostgres) -> None:
    postgres.drop_database("container")
    postgres.create_database("container")
    port = str(free_port())
    environment = {"DATABASE_URL": postgres.url("container"), "SECRET_KEY": SECRET_KEY}
    subprocess.run(image.line("migrate"), cwd=image.folder, env=environment, check=True)
    serve = [port if word == "3000" else word for word in image.command]
    with _running(image.line(*serve), image, environment), _running(image.line("worker"), image, environment):
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as web:
            _wait_for(web)
            assert web.get("/readyz").status_code == 200
            assert "swagger-ui-bundle.js" in web.get("/api/docs").text
        health = [word.replace(":3000", f":{port}") for word in image.healthcheck]
        subprocess.run([str(image.folder / health[0]), *health[1:]], cwd=image.folder, env=environment, check=True)
    postgres.drop_database("container")


def test_only_the_product_is_in_it(image: Image) -> None:
    assert sorted(path.name for path in image.folder.iterdir()) == [
        *(".npmrc", ".venv", "boxoffice", "local_postgres", "migrations", "package-lock.json", "package.json")
    ]


@contextmanager
def _running(line: list[str], image: Image, environment: dict[str, str]) -> Generator[None]:
    """A program that ends by itself, with 0, when it is told to."""
    process = subprocess.Popen(line, cwd=image.folder, env=environment)
    try:
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
    finally:
        process.kill()
        process.wait()


def _wait_for(web: httpx.Client) -> None:
    for _ in range(START_SECONDS * 10):
        with suppress(httpx.TransportError):
            web.get("/healthz")
            return
        time.sleep(0.1)
    raise AssertionError("the server did not start")


def _instructions() -> Iterator[tuple[str, str]]:
    """Every instruction of the Containerfile and what follows it."""
    for line in (ROOT / "Containerfile").read_text().replace("\\\n", " ").splitlines():
        if line and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield word, rest


def _copy(paths: list[str], folder: Path) -> None:
    *sources, target = paths
    for source in sources:
        if (ROOT / source).is_dir():
            built = shutil.ignore_patterns("__pycache__", "vendor", "fonts")
            shutil.copytree(ROOT / source, folder / target, ignore=built)
        else:
            place = folder / target
            if target.endswith("/"):
                place.mkdir(parents=True, exist_ok=True)
                place /= Path(source).name
            shutil.copyfile(ROOT / source, place)
