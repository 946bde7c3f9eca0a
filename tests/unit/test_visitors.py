"""Which requests are a web page's, as browsers mark them, and which are a program's."""

import pytest

from autoflow.local.visitors import is_web_page

PROGRAMS: list[dict[str, str]] = [
    {"Host": "127.0.0.1:4566"},
    {"Host": "localhost:4566"},
    {"Host": "localhost"},
    {"Host": "data.s3.localhost.localstack.cloud:4566"},
    {"Host": "sqs.us-east-1.localhost.localstack.cloud:4566"},
    {"Host": "127.0.0.1:4566", "Sec-Fetch-Site": "none"},
]
PAGES: list[dict[str, str]] = [
    {},
    {"Host": ""},
    {"Host": "evil.example:4566"},
    {"Host": "evil.example"},
    {"Host": "127.0.0.1.evil.example:4566"},
    {"Host": "localhost.evil.example:4566"},
    {"Host": "evil-localhost:4566"},
    {"Host": "evillocalhost.localstack.cloud:4566"},
    {"Host": "0.0.0.0:4566"},
    {"Host": "[::1]:4566"},
    {"Host": "192.168.1.7:4566"},
    {"Host": "127.0.0.1:4566", "Origin": "https://evil.example"},
    {"Host": "127.0.0.1:4566", "Origin": "null"},
    {"Host": "127.0.0.1:4566", "Origin": "https://app.localstack.cloud"},
    {"Host": "127.0.0.1:4566", "Origin": "http://127.0.0.1:4566"},
    {"Host": "127.0.0.1:4566", "Sec-Fetch-Site": "cross-site"},
    {"Host": "127.0.0.1:4566", "Sec-Fetch-Site": "same-site"},
    {"Host": "127.0.0.1:4566", "Sec-Fetch-Site": "same-origin"},
]


@pytest.mark.parametrize("headers", PROGRAMS, ids=str)
def test_a_program_of_this_machine_is_let_in(headers: dict[str, str]) -> None:
    assert not is_web_page(headers)


@pytest.mark.parametrize("headers", PAGES, ids=str)
def test_a_web_page_is_not(headers: dict[str, str]) -> None:
    assert is_web_page(headers)
