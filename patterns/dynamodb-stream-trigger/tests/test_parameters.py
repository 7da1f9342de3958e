"""The template accepts a parameter if and only if the handler accepts the setting."""

import json
import re
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from blueprints_shared.http_post import Endpoint

TEMPLATE = (Path(__file__).parent.parent / "template.yaml").read_text()


WEBHOOK_URL = re.compile(json.loads(re.search(r"  WebhookUrl:\n(?:    .*\n)*?    AllowedPattern: (.*)\n", TEMPLATE)[1]))
ASCII = st.characters(max_codepoint=127)
URLS = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["https", "http", "ftp", ""]),
    st.sampled_from(["example.com", "a_b", "", "user@host", "[::1]", "h st", "hös.t", "127.0.0.1"]),
    st.sampled_from(["", ":", ":0", ":443", ":65535", ":65536", ":99999", ":00080", ":x"]),
    st.sampled_from(["", "/", "/a@b", "?q=1", "/#", "/x#y", "#", "/[", "/a b", "/ü", "\\", "/a\nb"]),
)


@settings(max_examples=200, deadline=None)
@given(st.one_of(URLS, st.from_regex(WEBHOOK_URL, fullmatch=True, alphabet=ASCII)))
@example("https://example.com:65536/")
@example("https:///hook")
@example("https://example.com/hook#")
def test_the_template_and_the_handler_accept_the_same_webhook_urls(url):
    assert (
        bool(WEBHOOK_URL.fullmatch(url)) == is_accepted(url) or not url or "[" in url
    )  # no pattern counts IPv6's groups


def is_accepted(url):
    try:
        Endpoint(url, allow_private=True)
    except ValueError:
        return False
    return True
