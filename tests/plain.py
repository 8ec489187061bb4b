"""HTTP without TLS, as everything on this machine is spoken to."""

import ssl

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For httpx: knows no authorities, whose loading takes each client 30 ms."""
