from tests.nights import load
async def test_x(client, db):
    await load(db)
    for u in ("/", "/events/tiefdruck-eins", "/events/tiefdruck-eins/poster.svg", "/tickets", "/dev/mailbox","/nope", "/static/app.css","/events/tiefdruck-eins/checkout"):
        a = await client.get(u, headers={"Accept":"text/html"})
        print(u, a.status_code, len(a.text), a.headers.get("cache-control"))
        if a.status_code>=500: print(a.text)
