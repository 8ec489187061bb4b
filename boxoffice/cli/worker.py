"""`boxoffice worker`: the work outside requests, as a process of its own."""

import argparse
import asyncio

from boxoffice.box import BoxOffice
from boxoffice.foundation import logs
from boxoffice.settings import Settings
from boxoffice.worker import loop


def add_arguments(command: argparse.ArgumentParser) -> None:
    """`boxoffice worker`."""
    command.set_defaults(run=lambda _: run())


def run() -> None:
    """Works until it is stopped."""
    settings = Settings.from_environment()
    logs.configure(production=settings.production)
    print("Worker: mail, refunds, ended holds, lost webhooks", flush=True)
    asyncio.run(loop.run(BoxOffice.from_settings(settings)))
