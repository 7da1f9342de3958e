"""Messages are signed according to Standard Webhooks, and sent again only if that can help."""

import base64
import email.utils
import time
from types import SimpleNamespace

import pytest
from announcement import Announcement
from rejected_records import Rejection
from webhook import NotDelivered, Webhook, read_secrets, signature

from blueprints_shared.http_post import NoResponse, Response

MESSAGE = Announcement("event-1", "item.created", "arn", b'{"type":"item.created"}')
KEY = b"k" * 32


def answer(status, **headers):
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"said so")


class Receiver:
    """Returns or raises the next of the given responses; then returns 200."""

    def __init__(self, *answers):
        self.answers, self.requests = list(answers), []

    def post(self, headers, body, deadline):
        self.requests.append((headers, body))
        given = self.answers.pop(0) if self.answers else answer(200)
        if isinstance(given, Exception):
            raise given
        return given


@pytest.fixture
def pauses(monkeypatch):
    """Records pauses instead of making them."""
    made = []
    monkeypatch.setattr("webhook.time", SimpleNamespace(time=time.time, monotonic=time.monotonic, sleep=made.append))
    return made


def deliver(receiver, remaining=60.0, keys=(KEY,)):
    Webhook(receiver.post, lambda: list(keys)).deliver(MESSAGE, time.monotonic() + remaining)


def test_the_signature_is_that_of_the_specification():
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'

    assert signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_a_message_has_its_id_the_time_and_a_signature_for_each_key(pauses):
    receiver = Receiver()
    deliver(receiver, keys=(KEY, b"n" * 32))

    ((headers, body),) = receiver.requests
    sent_at = int(headers["webhook-timestamp"])
    assert headers["webhook-id"] == "event-1"
    assert abs(sent_at - time.time()) < 5
    assert headers["webhook-signature"].split() == [
        signature(key, "event-1", sent_at, body) for key in (KEY, b"n" * 32)
    ]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_after_a_transient_status_it_is_sent_again_with_the_same_id(pauses, status):
    receiver = Receiver(answer(status), answer(status))
    deliver(receiver)

    assert [headers["webhook-id"] for headers, _ in receiver.requests] == ["event-1"] * 3
    assert len(pauses) == 2


def test_it_is_sent_again_after_no_response(pauses):
    receiver = Receiver(NoResponse("nobody there"))
    deliver(receiver)

    assert len(receiver.requests) == 2


@pytest.mark.parametrize("failure", [answer(503), NoResponse("nobody there")])
def test_after_three_attempts_it_is_left_for_later(pauses, failure):
    receiver = Receiver(*[failure] * 9)

    with pytest.raises(NotDelivered, match=r"503|nobody"):
        deliver(receiver)

    assert len(receiver.requests) == 3


@pytest.mark.parametrize("status", [300, 301, 302, 307, 308, 400, 401, 403, 404, 405, 409, 410, 413, 422])
def test_any_other_status_is_final(pauses, status):
    receiver = Receiver(answer(status))

    with pytest.raises(Rejection, match=str(status)) as rejected:
        deliver(receiver)

    assert rejected.value.detail == {"status": status, "body": "said so"}
    assert len(receiver.requests) == 1


def test_retry_after_is_honoured_inside_the_remaining_time(pauses):
    deliver(Receiver(answer(429, retry_after="3")))

    assert pauses == [3.0]


def test_retry_after_may_be_a_date(pauses):
    deliver(Receiver(answer(503, retry_after=email.utils.formatdate(time.time() + 4, usegmt=True))))

    assert 2 < pauses[0] < 5


@pytest.mark.parametrize(("said", "remaining"), [("5", 3.0), ("3600", 900.0), ("999999999", 60.0)])
def test_a_retry_after_beyond_the_deadline_ends_the_attempts(pauses, said, remaining):
    receiver = Receiver(answer(429, retry_after=said))

    with pytest.raises(NotDelivered):
        deliver(receiver, remaining)

    assert (len(receiver.requests), pauses) == (1, [])


@pytest.mark.parametrize("said", ["soon", "-5", "1e9", "", "Mon, 99 Foo 2026 99:99:99 GMT"])
def test_an_unreadable_retry_after_is_ignored(pauses, said):
    deliver(Receiver(answer(503, retry_after=said)))

    assert 0 < pauses[0] <= 0.5


@pytest.mark.parametrize("text", ["whsec_" + "QUJD" * 8, "QUJD" * 8, "whsec_" + "QUJD" * 8 + "\n whsec_" + "REVG" * 8])
def test_secrets_are_read_with_and_without_prefix(text):
    assert read_secrets(text)[0] == b"ABC" * 8


@pytest.mark.parametrize(
    "text", ["", " ", "whsec_", "whsec_QUJD", "whsec_!", "QUJD" * 40, "whsec_" + "QUJD" * 8 + " x"]
)
def test_a_malformed_secret_is_refused(text):
    with pytest.raises(ValueError, match="secret is"):
        read_secrets(text)
