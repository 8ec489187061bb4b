"""The socket of `stripe listen`: every event goes out as a signed frame, acknowledgements come back and are ignored."""

import asyncio
from typing import Any

import msgspec
from litestar import WebSocket, websocket
from litestar.di import NamedDependency
from litestar.exceptions import WebSocketDisconnect

from stripe_simulator.core import Core
from stripe_simulator.deliveries.message import HEADERS
from stripe_simulator.deliveries.signature import signature_header
from stripe_simulator.listen.session import SOCKET_PATH, secret_of

Json = dict[str, Any]

SUBPROTOCOL = "stripecli-devproxy-v1"


@websocket(SOCKET_PATH)
async def listen(socket: "WebSocket[Any, Any, Any]", core: NamedDependency[Core]) -> None:
    """One `stripe listen` until it hangs up."""
    asked = socket.headers.get("sec-websocket-protocol", "")
    await socket.accept(subprotocols=SUBPROTOCOL if SUBPROTOCOL in asked else None)
    events: asyncio.Queue[Json] = asyncio.Queue()
    core.world.listeners.append(events.put_nowait)
    sending = asyncio.create_task(_send_events(socket, core, events))
    try:
        while True:
            await socket.receive_data(mode="text")
    except WebSocketDisconnect:
        pass
    finally:
        core.world.listeners.remove(events.put_nowait)
        sending.cancel()


async def _send_events(socket: "WebSocket[Any, Any, Any]", core: Core, events: "asyncio.Queue[Json]") -> None:
    secret = await secret_of(core)
    while True:
        event = await events.get()
        await socket.send_data(msgspec.json.encode(_frame(core, secret, event)).decode())


def _frame(core: Core, secret: str, event: Json) -> Json:
    payload = msgspec.json.format(msgspec.json.encode(event), indent=2)
    signature = signature_header([secret], core.world.now, payload)
    return {
        "type": "webhook_event",
        "endpoint": {"api_version": None},
        "event_payload": payload.decode(),
        "http_headers": {**HEADERS, "Stripe-Signature": signature},
        "webhook_conversation_id": f"wc_{core.world.ids.characters(24)}",
        "webhook_id": f"wh_{core.world.ids.characters(24)}",
    }


HANDLERS = [listen]
