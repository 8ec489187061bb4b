"""Log lines: JSON for machines, readable on a terminal, without addresses, keys and tokens.

structlog takes longer to load than anything else here, so the first line loads it, not the import of this file.
"""

import logging
import re
import sys
from collections.abc import Generator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import msgspec

NOISY_LIBRARIES = ("httpcore", "httpx", "stripe")
WRITTEN_AS_THEY_ARE = (int, float, bool, type(None))
# Written by us, from parts that hold no secret (`edge/request_log.py`): searching them would cost every request.
OF_OUR_MAKING = frozenset(["event", "level", "timestamp", "request_id", "method", "path"])
TEXT_MAX = 20_000
# Every repetition has an end: a text made of one long word would otherwise be searched once for each of its letters.
HIDDEN = (
    (re.compile(r"(?<=://)[^\s/@]{1,200}@"), "[credentials]@"),
    (re.compile(r"[\w.+%-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63})+"), "[address]"),
    (re.compile(r"\b(?:[srp]k_(?:test|live)_|cs_(?:test|live)_|whsec_)[\w+/=-]+|\w{1,64}_secret_\w+"), "[secret]"),
    (re.compile(r"\b((?:t|token|code|key|session_id|secret|password)=)[^&\s\"']+"), r"\1[removed]"),
    (re.compile(r"(?i)\b(bearer |basic |t=\d{1,20},v1=)[\w+/=.-]+"), r"\1[removed]"),
)

SESSION_TAIL = 8

_bound: ContextVar[dict[str, object] | None] = ContextVar("bound", default=None)
_chosen = {"machine": False}


def configure(*, production: bool) -> None:
    """JSON lines in production or when stderr is no terminal; what libraries log goes the same way. Loads nothing."""
    _chosen["machine"] = production
    _logger.cache_clear()
    root = logging.getLogger()
    if not any(isinstance(handler, _FromLibraries) for handler in root.handlers):
        root.addHandler(_FromLibraries())
    root.setLevel(logging.INFO)
    for name in NOISY_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


def info(event: str, **values: object) -> None:
    """Something happened, as it should. `event` is a sentence of ours; what may hold a secret is a value."""
    _logger().info(event, **values)


def warning(event: str, **values: object) -> None:
    """Something needs a look when it happens often."""
    _logger().warning(event, **values)


def error(event: str, *, problem: BaseException | None = None, **values: object) -> None:
    """Something broke; with the problem's traceback."""
    _logger().error(event, exc_info=problem, **values)


@contextmanager
def bound(**values: object) -> Generator[None]:
    """Every line written inside the block, and in tasks started there, carries these values."""
    token = _bound.set({**(_bound.get() or {}), **values})
    try:
        yield
    finally:
        _bound.reset(token)


def note(**values: object) -> None:
    """What came to be known in the middle of a block: its lines from now on carry these values too, the last as well.

    A value that is None says nothing. Outside of a block there is nothing to note it on.
    """
    block = _bound.get()
    if block is not None:
        block |= {name: value for name, value in values.items() if value is not None}


def tail(session_id: str) -> str:
    """The end of a Checkout Session's id: enough to find it, too little to see an order with."""
    return session_id[-SESSION_TAIL:]


def without_secrets(text: str) -> str:
    """The text without e-mail addresses, keys, session ids and what follows `token=`; its middle goes if it is long."""
    text = text if len(text) <= TEXT_MAX else f"{text[: TEXT_MAX // 2]} ... {text[-TEXT_MAX // 2 :]}"
    for pattern, shown in HIDDEN:
        text = pattern.sub(shown, text)
    return text


class _FromLibraries(logging.Handler):
    """Lines of the standard library's loggers."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            _logger().log(
                record.levelno, without_secrets(record.getMessage()), logger=record.name, exc_info=record.exc_info
            )
        except Exception:  # noqa: BLE001 - what logging itself does: a line that cannot be written stops nobody
            self.handleError(record)


class _Stderr:
    """Where finished lines go, whatever their level; asked for anew each time, as tests put another one there."""

    def info(self, line: str) -> None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    debug = warning = error = critical = info


@lru_cache(maxsize=1)
def _logger() -> Any:
    import structlog  # noqa: PLC0415 - see the top of this file

    machine = _chosen["machine"] or not sys.stderr.isatty()
    render = structlog.processors.JSONRenderer(_json) if machine else structlog.dev.ConsoleRenderer()
    return structlog.wrap_logger(
        _Stderr(),
        processors=[
            _add_bound,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _hide_secrets,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


def _add_bound(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in (_bound.get() or {}).items():
        event.setdefault(name, value)
    return event


def _hide_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if name not in OF_OUR_MAKING and not isinstance(value, WRITTEN_AS_THEY_ARE):
            event[name] = without_secrets(str(value))
    return event


def _json(event: object, **_options: object) -> str:
    return msgspec.json.encode(event).decode()
