"""BASE_URL: whether people who follow our links arrive at this box office."""

import httpx

from boxoffice.doctor.finding import Finding, ok, problem, warning
from boxoffice.doctor.patient import SECONDS, Patient


async def examine(patient: Patient) -> list[Finding]:
    """Asks as a visitor would, from this machine."""
    url = patient.settings.base_url
    what = "address"
    level = warning if patient.at_home else problem
    async with httpx.AsyncClient(timeout=SECONDS, trust_env=not patient.at_home) as web:
        try:
            alive, ready = await web.get(f"{url}/healthz"), await web.get(f"{url}/readyz")
        except httpx.HTTPError as error:
            if "CERTIFICATE" in str(error).upper():
                do = "Renew the certificate, or have the proxy serve the whole chain: Stripe refuses it too."
                return [problem(what, f"the certificate of {url} is not valid", do)]
            do = "Start the box office (`boxoffice serve`), or correct BASE_URL, DNS and the reverse proxy."
            return [level(what, f"{url} does not answer ({type(error).__name__})", do)]
    if alive.is_redirect:
        to = alive.headers.get("location", "elsewhere").removesuffix("/healthz")
        return [problem(what, f"{url} redirects to {to}", f"Set BASE_URL={to}, or stop the redirect.")]
    if alive.status_code in (401, 403):
        do = "Take the password away before selling (on Vercel: Deployment Protection)."
        return [problem(what, f"{url} asks for a password", do)]
    if b'"boxoffice"' not in alive.content:
        do = "Correct BASE_URL, or where the reverse proxy leads."
        return [problem(what, f"something else answers at {url}", do)]
    if not ready.is_success:
        do = "See that the server has the same DATABASE_URL as here, and that it reaches the database."
        return [problem(what, f"{url} answers, but its database does not", do)]
    return [ok(what, f"{url} answers, its database too")]
