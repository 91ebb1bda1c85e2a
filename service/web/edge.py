"""What every answer carries: the headers that tell a browser how little it may do."""

from collections.abc import Awaitable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
STATIC = "/static/"


class Headers:
    """Wraps the app: adds the headers to whatever it answers, refusals included."""

    def __init__(self, app: ASGIApp) -> None:
        """``app`` is what comes after."""
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request."""
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        # Pages hold people and are kept nowhere; our own stylesheet may be kept for an hour.
        is_static = str(scope["path"]).startswith(STATIC)
        keep = "public, max-age=3600" if is_static else "no-store"

        def send_with_headers(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = keep
                for name, value in HEADERS.items():
                    headers[name] = value
            return send(message)

        return self._app(scope, receive, send_with_headers)
