"""`GET /api/cron`: one bounded round, for whoever has the secret."""

from tests.shop import CARD, Shop, session_of

SECRET = {"Authorization": "Bearer a cron secret of the tests"}


async def test_cron_does_the_workers_work(shop: Shop) -> None:
    order = await shop.ordered()
    await shop.fault("drop", count=None)
    await shop.control(f"checkout/sessions/{session_of(order)}/pay", card=CARD)
    for headers in ({}, {"Authorization": "Bearer another secret of the tests"}):
        assert (await shop.web.get("/api/cron", headers=headers)).status_code == 404
    assert (await shop.look(order))["status"] == "paying"
    answer = await shop.web.get("/api/cron", headers=SECRET)
    assert (answer.status_code, answer.json()["missed_events"] > 0) == (200, True)
    assert (await shop.look(order))["status"] == "paid"
    assert await shop.count("mailbox_message") == 1


async def test_mail_is_in_the_mailbox_once_with_the_ticket_and_the_order_link(shop: Shop) -> None:
    order = await shop.ordered(2)
    await shop.pay(order)
    for _ in range(2):
        await shop.tick()
    (ticket, _) = (await shop.look(order))["tickets"]
    async with shop.box.db.transaction() as connection:
        (message,) = await connection.fetch("SELECT recipient, text FROM mailbox_message")
    assert message["recipient"] == "mara@example.org"
    assert f"/orders/{order['code']}?t={order['access_token']}" in message["text"]
    assert ticket["code"][:4] in message["text"]
