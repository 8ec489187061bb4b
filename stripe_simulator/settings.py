"""What can be chosen about a simulator; `from_environment` is the only reader of the environment."""

import os
from dataclasses import dataclass
from pathlib import Path

API_VERSION = "2026-10-28.endive"
DEFAULT_PORT = 12111
DATABASE_VARIABLE = "STRIPE_SIMULATOR_DATABASE_URL"
WEBHOOK_URL_VARIABLE = "STRIPE_SIMULATOR_WEBHOOK_URL"
WEBHOOK_SECRET_VARIABLE = "STRIPE_SIMULATOR_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable


class HalfAnEndpoint(ValueError):
    """A webhook endpoint needs an address and a secret; the message says which is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultEndpoint:
    """A webhook endpoint that is there from the start, with a secret that both sides know."""

    url: str
    secret: str
    enabled_events: tuple[str, ...] = ("*",)
    api_version: str | None = API_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One simulator. Times are seconds of the simulator's clock unless a name says otherwise."""

    database_url: str | None = None
    """PostgreSQL; None takes the local cluster's database `stripe_simulator`."""
    local_directory: Path = Path(".local")
    """Where the local cluster keeps its data."""
    base_url: str = f"http://127.0.0.1:{DEFAULT_PORT}"
    """How browsers reach the hosted page: what a session's `url` begins with."""
    default_version: str = API_VERSION
    """The account's API version: for requests that name none and endpoints that pin none."""
    manual_clock: bool = False
    """Time stands still until the control API moves it."""
    pool_size: int = 8
    lock_timeout: float = 5.0
    """Real seconds that a call waits for an object that another call works on, before `lock_timeout` (429)."""
    delivery: bool = True
    """Send webhooks in the background; off, only an explicit call sends them."""
    deliveries_at_once: int = 16
    """Per endpoint."""
    delivery_timeout: float = 10.0
    """Real seconds to wait for an endpoint's answer."""
    retry_delays: tuple[float, ...] = (10.0, 300.0, 7200.0)
    """Waits before the second, third and fourth try of a delivery."""
    redirect_wait: float = 10.0
    """Real seconds that the hosted page waits for the endpoint's answer before it redirects."""
    default_endpoint: DefaultEndpoint | None = None
    endpoint_rate_limit: int | None = None
    """Requests a second for one API endpoint, 25 in Stripe's sandbox; None for no limit. `/_control` can change it."""
    charge_update_after: float = 2.0
    """Until an asynchronously captured charge gets its balance transaction and `charge.updated`."""
    refund_update_after: float = 1.0
    refund_outcome_after: float = 5.0
    """Until a pending refund succeeds, or a refund that will fail does."""
    settlement_after: float = 3 * 86_400.0
    """Until a delayed payment method succeeds or fails."""
    dispute_outcome_after: float = 2.0
    """Until test evidence decides a dispute."""
    authorization_lasts: float = 7 * 86_400.0
    """Until an uncaptured payment is released."""
    secret_overlap: float = 86_400.0
    """How long a rolled signing secret stays valid beside the new one."""
    cancel_payment_on_expiry: bool = True
    """Whether the PaymentIntent that failed attempts left behind is canceled when its session expires."""


def from_environment(*, port: int = DEFAULT_PORT, database_url: str | None = None) -> Settings:
    """The settings of the command line: a given URL wins over the environment variable. Raises HalfAnEndpoint."""
    return Settings(
        database_url=database_url or os.environ.get(DATABASE_VARIABLE) or None,
        base_url=f"http://127.0.0.1:{port}",
        default_endpoint=_endpoint(os.environ.get(WEBHOOK_URL_VARIABLE), os.environ.get(WEBHOOK_SECRET_VARIABLE)),
    )


def _endpoint(url: str | None, secret: str | None) -> DefaultEndpoint | None:
    if url and secret:
        return DefaultEndpoint(url=url, secret=secret)
    if url or secret:
        raise HalfAnEndpoint(f"Set both {WEBHOOK_URL_VARIABLE} and {WEBHOOK_SECRET_VARIABLE}, or neither.")
    return None
