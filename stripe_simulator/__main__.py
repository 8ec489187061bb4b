"""`python -m stripe_simulator`: a Stripe of one's own."""

import argparse
import asyncio
import signal
import sys
from dataclasses import replace

from stripe_simulator.serve import NotLoopback, check_host, serving
from stripe_simulator.settings import DATABASE_VARIABLE, DEFAULT_PORT, HalfAnEndpoint, Settings, from_environment
from stripe_simulator.store.database import DatabaseInUse


def main() -> None:
    """Read the command line and serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m stripe_simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    parser.add_argument("--host", default="127.0.0.1", help="loopback only")
    parser.add_argument("--database-url", help=f"PostgreSQL; else ${DATABASE_VARIABLE}, else a local one in .local/")
    parser.add_argument("--endpoint-rate-limit", type=int, help="requests a second for one API endpoint; 25 at Stripe")
    chosen = parser.parse_args()
    try:
        check_host(chosen.host)
        settings = from_environment(port=chosen.port, database_url=chosen.database_url)
        settings = replace(settings, endpoint_rate_limit=chosen.endpoint_rate_limit)
        asyncio.run(_serve(settings, chosen.port))
    except (NotLoopback, HalfAnEndpoint, DatabaseInUse) as problem:
        sys.exit(str(problem))


async def _serve(settings: Settings, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(settings, port):
        print(f"Simulated Stripe on {settings.base_url} (API version {settings.default_version}).", flush=True)
        print("Any key that begins with sk_test_ works; live keys are refused.", flush=True)
        await stop.wait()


if __name__ == "__main__":
    main()
