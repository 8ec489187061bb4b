"""Log lines of a purchase can be found by its codes and ids."""

import json
from typing import Any

import pytest

from boxoffice.foundation import logs
from tests.shop import Shop, session_of

pytestmark = pytest.mark.usefixtures("logs_of_a_server")

Lines = list[dict[str, Any]]


async def test_every_line_of_a_purchase_carries_its_code(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    ticket_type = await shop.ticket_type()
    capsys.readouterr()
    order = await shop.ordered(ticket_type=ticket_type)
    await shop.look(order)
    await shop.pay(order, "4000000000000002")
    await shop.pay(order)
    await shop.look(order)
    await shop.web.get(f"/orders/{order['code']}/success", params={"session_id": session_of(order)})
    await shop.tick()
    await shop.pass_time(seconds=5)
    written = capsys.readouterr().err
    lines: Lines = [json.loads(line) for line in written.splitlines()]
    assert len(lines) > 10
    for line in lines:
        assert line.get("order") == order["code"] or f"/orders/{order['code']}" in str(line.get("path")), line
    (charge,) = await shop.charges()
    tail = session_of(order)[-8:]
    opened = [line for line in lines if line["event"] == "payment opened"]
    assert [line["session"] for line in opened] == [tail]
    heard = {line["type"]: line for line in lines if line.get("path") == "/api/webhook"}
    completed = heard["checkout.session.completed"]
    assert (completed["outcome"], completed["session"]) == ("paid", tail)
    assert completed["payment_intent"] == charge["payment_intent"]
    assert completed["stripe_event"].startswith("evt_")
    (job,) = [line for line in lines if line.get("job") == "mail_tickets"]
    assert (job["event"], len(job["job_id"])) == ("job done", 36)
    assert order["access_token"] not in written
    assert session_of(order) not in written


async def test_lines_of_a_hold_that_ends_too(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    order = await shop.ordered()
    await shop.pass_time(minutes=17)
    capsys.readouterr()
    await shop.tick()
    lines: Lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["reason"] for line in lines if line["event"] == "order ended"] == ["hold_ended"]
    assert {line.get("order") for line in lines} == {order["code"]}


def test_a_note_belongs_to_its_block_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.bound(request_id="one"):
        logs.note(order="ABCD", session=None)
        with logs.bound(job="mail"):
            logs.note(order="EFGH")
            logs.info("inner")
        logs.info("outer")
    logs.note(order="nobody's")
    logs.info("after")
    inner, outer, after = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (inner["request_id"], inner["job"], inner["order"]) == ("one", "mail", "EFGH")
    assert (outer["request_id"], outer["order"], "job" in outer, "session" in outer) == ("one", "ABCD", False, False)
    assert not {"order", "request_id"} & set(after)
