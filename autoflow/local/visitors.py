"""Who may talk to a listener of the local cloud: programs of this machine, not web pages in its user's browser.

Loopback keeps other machines out, but any page that the user looks at may have the browser send requests to loopback:
to any port without reading the answer, or, once its own host name leads to 127.0.0.1 ("DNS rebinding"), reading it.
The browser says so, in headers that no page can leave out or change: with the name that the page asked for in ``Host``,
and with ``Origin`` or ``Sec-Fetch-Site`` (https://www.w3.org/TR/fetch-metadata/, sent to loopback over HTTP as well).
"""

from collections.abc import Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler
from typing import Any

HOSTS = ("127.0.0.1", "localhost", "localhost.localstack.cloud")
"""Names under which programs of this machine know the cloud; LocalStack's URLs have the last one, with any prefix."""
REFUSED = 403
REFUSAL = b"The local cloud answers programs of this machine, not web pages.\n"


def is_web_page(headers: Mapping[str, str] | Message) -> bool:
    """Whether a request was made by a web page, or was meant for another host.

    A person who types the address, or follows a link from outside the browser, is no page: ``Sec-Fetch-Site: none``.
    """
    if "Origin" in headers or headers.get("Sec-Fetch-Site", "none") != "none":
        return True
    host = headers.get("Host", "").rpartition(":")[0] or headers.get("Host", "")
    return not (host in HOSTS or host.endswith(f".{HOSTS[-1]}"))


class ProgramsOnly(BaseHTTPRequestHandler):
    """Of a server on loopback beside the gateway: refuses web pages, and hands every other request on."""

    def parse_request(self) -> bool:
        understood = super().parse_request()
        if understood and is_web_page(self.headers):
            self.close_connection = True
            self.send_error(REFUSED)
            return False
        return understood


def refuse_web_pages() -> None:
    """Let LocalStack's gateway refuse them before anything else. It allows some origins, and any host."""
    from localstack.aws.app import LocalstackAwsGateway

    gateway: Any = LocalstackAwsGateway
    make = gateway.__init__

    def make_with_door(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        self.request_handlers.insert(0, _refuse)

    gateway.__init__ = make_with_door


def _refuse(chain: Any, context: Any, response: Any) -> None:
    if is_web_page(context.request.headers):
        response.status_code = REFUSED
        response.set_response(REFUSAL)
        chain.terminate()
