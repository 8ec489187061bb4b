"""What Stripe's command line asks of the simulator, and the simulator's own command."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from stripe_simulator.deliveries.signature import signature
from stripe_simulator.serve import NotLoopback, check_host
from tests.stripe_simulator.conftest import new_database
from tests.stripe_simulator.seller import KEY, Seller, free_port

ROOT = Path(__file__).parent.parent.parent


async def test_the_page_has_an_api_of_its_own(seller: Seller) -> None:
    session = await seller.session()
    page = (await seller.get(f"/v1/payment_pages/{session.id}")).json()
    assert (page["session_id"], page["state"], page["total_summary"]["due"]) == (session.id, "active", 3000)
    method = (await seller.post("/v1/payment_methods", {"type": "card", "card[token]": "tok_visa"})).json()
    form = {"payment_method": method["id"], "expected_amount": "1"}
    assert (await seller.post(f"/v1/payment_pages/{session.id}/confirm", form)).status_code == 400
    answer = await seller.post(f"/v1/payment_pages/{session.id}/confirm", form | {"expected_amount": "3000"})
    assert (answer.status_code, answer.json()["payment_status"]) == (200, "paid")
    assert (await seller.post(f"/v1/payment_pages/{session.id}/confirm", form)).status_code == 400


async def test_a_decline_on_that_api(seller: Seller) -> None:
    session = await seller.session()
    form = {"payment_method": "pm_card_visa_chargeDeclined"}
    answer = await seller.post(f"/v1/payment_pages/{session.id}/confirm", form)
    assert (answer.status_code, answer.json()["error"]["decline_code"]) == (402, "generic_decline")
    assert (await seller.post(f"/v1/payment_pages/{session.id}/confirm")).status_code == 400


async def test_listening(seller: Seller) -> None:
    told = (
        await seller.post("/v1/stripecli/sessions", {"device_name": "here", "websocket_features[]": "webhooks"})
    ).json()
    assert told["websocket_authorized_feature"] == "webhooks"
    assert told["secret"] == (await seller.post("/v1/stripecli/sessions")).json()["secret"]
    url = f"{told['websocket_url']}?websocket_feature=webhooks"
    async with websockets.connect(url, subprotocols=[websockets.Subprotocol("stripecli-devproxy-v1")]) as socket:
        assert socket.subprotocol == "stripecli-devproxy-v1"
        await seller.session()
        paid = await seller.paid()
        frames: list[dict[str, Any]] = [json.loads(await asyncio.wait_for(socket.recv(), 5)) for _ in range(4)]
        await socket.send(json.dumps({"type": "event_ack", "event_id": "evt_x"}))
    events = [json.loads(frame["event_payload"]) for frame in frames]
    assert events[-1]["data"]["object"]["id"] == paid["session"]
    for frame in frames:
        assert frame["type"] == "webhook_event"
        assert frame["endpoint"] == {"api_version": None}
        header: str = frame["http_headers"]["Stripe-Signature"]
        moment = int(header.split(",", maxsplit=1)[0].removeprefix("t="))
        assert f"v1={signature(told['secret'], moment, frame['event_payload'].encode())}" in header


async def test_listening_needs_a_key(seller: Seller) -> None:
    assert (await seller.web.post("/v1/stripecli/sessions")).status_code == 401


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::"])
def test_it_listens_on_this_machine_only(host: str) -> None:
    with pytest.raises(NotLoopback):
        check_host(host)


def test_loopback_has_several_names() -> None:
    for host in ("127.0.0.1", "localhost", "::1"):
        check_host(host)


async def test_it_runs_alone(postgres_url: str, worker_id: str) -> None:
    url = await new_database(postgres_url, f"stripe_alone_{worker_id}")
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "stripe_simulator", "--port", str(port), "--database-url", url,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        first = await asyncio.wait_for(process.stdout.readline(), 30)
        assert f"http://127.0.0.1:{port}" in first.decode()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", auth=(KEY, "")) as client:
            assert (await client.get("/v1/account")).status_code == 200
    finally:
        process.terminate()
        await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0


async def test_another_host_is_refused_by_the_command() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "stripe_simulator",
        "--host",
        "0.0.0.0",
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    _, problem = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert "this machine only" in problem.decode()
