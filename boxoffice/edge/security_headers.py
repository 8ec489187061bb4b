"""The rules that every answer gives the browser."""

from litestar.types import BeforeMessageSendHookHandler, Message, Scope

from boxoffice.settings import Settings

PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


def security_headers(settings: Settings) -> BeforeMessageSendHookHandler:
    """A hook that adds them to whatever is sent; an answer that brings its own value keeps it."""
    headers = {
        "Content-Security-Policy": content_policy(settings),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": PERMISSIONS,
        # Not `no-referrer`: browsers then send `Origin: null` with our own forms.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    if settings.secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"

    ready = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def add(message: Message, _scope: Scope) -> None:
        if message["type"] == "http.response.start":
            sent = list(message["headers"])
            brought = {name for name, _ in sent}
            message["headers"] = [*sent, *(header for header in ready if header[0] not in brought)]

    return add


def content_policy(settings: Settings, scripts: str = "'self'") -> str:
    """A form of ours may end at Stripe's page, because browsers apply `form-action` to redirects too."""
    checkout = f" {settings.stripe.checkout_origin}" if settings.stripe else ""
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src 'self'; form-action 'self'{checkout}; frame-ancestors 'none'; base-uri 'none'; "
        "manifest-src 'self'; worker-src 'self'"
    )
