"""A request goes where it may, ends in time, and takes no more than it wants; whoever answers."""

import socket
import threading
import time

import pytest

from blueprints_shared.http_post import BODY_LIMIT, Endpoint, NoResponse
from blueprints_shared.public_address import is_public
from shared.tests.http_receiver import Receiver, drip, endless

EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
PUBLIC, PRIVATE = "93.184.216.34", "10.0.0.5"


def resolving(*addresses):
    """A resolver that gives these addresses, one call after the other; the last one for ever."""
    calls = list(addresses)

    def resolve(host, port, *_):
        found = calls.pop(0) if len(calls) > 1 else calls[0]
        found = [found] if isinstance(found, str) else found
        return [(socket.AF_INET6 if ":" in each else socket.AF_INET, 1, 6, "", (each, port)) for each in found]

    resolve.calls = calls
    return resolve


def post(url, *, allow_private=True, seconds=2.0, deadline=60.0, **options):
    endpoint = Endpoint(url, allow_private, seconds, **options)
    return endpoint.post({"x-test": "1"}, b'{"a": 1}', time.monotonic() + deadline)


def test_it_posts_and_says_what_came_back():
    with Receiver([b"HTTP/1.1 201 Made\r\nX-Said: yes\r\nContent-Length: 5\r\n\r\nhello"]) as receiver:
        answer = post(receiver.url)

    assert (answer.status, answer.headers["x-said"], answer.body) == (201, "yes", b"hello")
    (request,) = receiver.requests
    assert request.line == "POST /hook?a=b HTTP/1.1"
    assert (request.headers["host"], request.headers["x-test"]) == (f"127.0.0.1:{receiver.port}", "1")
    assert request.body == b'{"a": 1}'


INTERIM = {
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "102": b"HTTP/1.1 102 Processing\r\n\r\n",
    "103": EARLY_HINTS,
    "100 after 103": EARLY_HINTS + b"HTTP/1.1 100 Continue\r\n\r\n",
    "one that no RFC names": b"HTTP/1.1 199 Soon\r\nX-Progress: 10%\r\n\r\n",
    "with headers of a body": b"HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n",
    "that closes": b"HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n",
    "many": EARLY_HINTS * 200,
}
FINAL = {
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "no content with a length": (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, b""),
    "a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello"),
    "a body until it closes": (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", 200, b"hello"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, b"hello"),
    "a refusal": (b"HTTP/1.1 422 No\r\nContent-Length: 2\r\n\r\nno", 422, b"no"),
    "an older HTTP": (b"HTTP/1.0 200 OK\r\n\r\nhello", 200, b"hello"),
}


@pytest.mark.parametrize("interim", INTERIM.values(), ids=INTERIM)
@pytest.mark.parametrize(("final", "status", "body"), FINAL.values(), ids=FINAL)
def test_interim_answers_are_skipped(interim, final, status, body):
    with Receiver([interim + final]) as receiver:
        answer = post(receiver.url)

    assert (answer.status, answer.body) == (status, body)
    assert "link" not in answer.headers


@pytest.mark.parametrize("interim", [*INTERIM.values(), b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"])
def test_an_interim_answer_alone_is_no_answer(interim):
    with Receiver([interim]) as receiver, pytest.raises(NoResponse, match=r"closed connection|another protocol"):
        post(receiver.url)


def test_an_answer_before_the_body_was_read_is_one():
    """413, for example; the receiver closes the connection while the body is still being sent."""
    with Receiver([b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"], reads_bodies=False) as receiver:
        endpoint = Endpoint(receiver.url, True, 2.0)
        answer = endpoint.post({}, b"x" * 2**24, time.monotonic() + 60)

    assert answer.status == 413


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "fec0::1",
        "2001:db8::1",
        "3fff::1",
        "240.0.0.1",
        "198.18.0.1",
        "192.0.0.170",
    ],
)
def test_an_address_that_is_not_public_is_refused(address):
    assert not is_public(address)
    with pytest.raises(NoResponse, match="not public: refused"):
        post("https://receiver.example/", allow_private=False, resolve=resolving(address))


@pytest.mark.parametrize(
    "address", [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
)
def test_an_address_of_the_internet_is_public(address):
    assert is_public(address)


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    with pytest.raises(NoResponse, match=r"10\.0\.0\.5, which is not public"):
        post("https://receiver.example/", allow_private=False, resolve=resolving([PUBLIC, PRIVATE]))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "0.0.0.0",
        "[::]",
        "0",
        "127.1",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "[fd00:ec2::254]",
        "127.0.0.1.",
        "localhost.",
    ],
)
def test_a_private_host_is_refused_however_it_is_written_and_nothing_is_sent(host):
    """By the machine's own resolver, which reads numbers as addresses too."""
    with Receiver() as receiver, pytest.raises(NoResponse, match=r"not public|can't be resolved"):
        post(f"https://{host}:{receiver.port}/", allow_private=False)

    assert receiver.requests == []


@pytest.fixture
def inner():
    """A receiver at an address that counts as private here."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def public(inner, monkeypatch):
    """One at another address, which counts as public, and the same port; Linux has all of 127.0.0.0/8 on loopback."""
    monkeypatch.setattr("blueprints_shared.http_post.is_public", lambda address: address == "127.0.0.2")
    try:
        with Receiver(host="127.0.0.2", port=inner.port) as receiver:
            yield receiver
    except OSError:
        pytest.skip("this machine has no 127.0.0.2")


@pytest.fixture
def over_plain_http(monkeypatch):
    """Have Endpoint take http:// while it refuses private addresses."""

    def posted(url, **options):
        endpoint = Endpoint(url, True, 2.0, **options)
        endpoint.allow_private = False
        return endpoint.post({}, b"{}", time.monotonic() + 5)

    return posted


def test_a_name_that_changes_its_address_is_connected_to_where_it_was_looked_at(public, inner, over_plain_http):
    """Public when it is looked at, private a moment later: the receiver at the private address hears nothing."""
    resolve = resolving("127.0.0.2", "127.0.0.1")

    assert over_plain_http(f"http://receiver.example:{public.port}/", resolve=resolve).status == 204

    assert (len(public.requests), inner.requests) == (1, [])
    assert resolve.calls == ["127.0.0.1"]
    with pytest.raises(NoResponse, match=r"127\.0\.0\.1, which is not public"):
        over_plain_http(f"http://receiver.example:{public.port}/", resolve=resolve)


def test_a_redirect_to_a_private_address_is_an_answer(public, inner, over_plain_http):
    public.script = [f"HTTP/1.1 302 Go\r\nLocation: {inner.url}\r\nContent-Length: 0\r\n\r\n".encode()]

    answer = over_plain_http(public.url, resolve=resolving("127.0.0.2"))

    assert (answer.status, answer.headers["location"], inner.requests) == (302, inner.url, [])


def test_an_address_where_nobody_answers_is_followed_by_the_next():
    with Receiver() as receiver:
        url = f"http://receiver.example:{receiver.port}/"
        assert post(url, resolve=resolving(["::1", "127.0.0.1"])).status == 204

    with pytest.raises(NoResponse, match=r"refused|unreachable"):
        post(url, resolve=resolving(["::1", "127.0.0.1"]))


def test_a_name_is_resolved_once_and_the_connection_goes_to_that_address(monkeypatch):
    """A name that resolves to a public address when it is looked at, and to a private one a moment later."""
    connected = []
    monkeypatch.setattr(
        socket.socket, "connect", lambda _, address: connected.append(address) or (_ for _ in ()).throw(OSError("stop"))
    )
    resolve = resolving(PUBLIC, "127.0.0.1")

    with pytest.raises(NoResponse):
        post("https://receiver.example/", allow_private=False, resolve=resolve)

    assert connected == [(PUBLIC, 443)]
    assert resolve.calls == ["127.0.0.1"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(status):
    with Receiver() as inner, Receiver() as receiver:
        receiver.script = [f"HTTP/1.1 {status} Go\r\nLocation: {inner.url}\r\nContent-Length: 0\r\n\r\n".encode()]
        answer = post(receiver.url)

    assert answer.status == status
    assert inner.requests == []


@pytest.mark.parametrize(
    "script",
    [
        drip(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: yes\r\n" * 50, 0.05),
        lambda connection: time.sleep(1.5),
        drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 50, 0.02),
        drip(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50, 0.02),
        drip([EARLY_HINTS] * 500, 0.002),
    ],
    ids=["headers drip", "silence", "100 drips", "103 drips", "one 103 after the other"],
)
def test_an_answer_that_does_not_come_in_time_is_none(script):
    with Receiver([script]) as receiver:
        begun = time.monotonic()
        with pytest.raises(NoResponse, match="nothing came within"):
            post(receiver.url, seconds=0.4)

        assert time.monotonic() - begun < 1.2


def test_the_deadline_of_the_invocation_bounds_it_too():
    with Receiver([lambda connection: time.sleep(1.5)]) as receiver:
        begun = time.monotonic()
        with pytest.raises(NoResponse, match=r"nothing came within 0.3 seconds"):
            post(receiver.url, seconds=30, deadline=0.3)

        assert time.monotonic() - begun < 1.2


@pytest.mark.parametrize("deadline", [0, -5])
def test_nothing_is_resolved_or_sent_after_the_deadline(deadline):
    resolve = resolving(["127.0.0.1"], ["127.0.0.1"])
    with Receiver() as receiver, pytest.raises(NoResponse, match="no time was left"):
        post(f"http://receiver.example:{receiver.port}/", deadline=deadline, resolve=resolve)

    assert receiver.requests == []
    assert len(resolve.calls) == 2


def test_a_resolver_that_does_not_answer_is_bounded_too():
    begun = time.monotonic()
    with pytest.raises(NoResponse, match="can't be resolved"):
        post("http://receiver.example/", seconds=0.3, resolve=lambda *_: time.sleep(1.0))

    assert time.monotonic() - begun < 0.9


def test_a_body_that_drips_takes_nothing_back_from_the_status():
    slow = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", 0)
    with Receiver([lambda connection: (slow(connection), drip(b"x" * 1000, 0.05)(connection))]) as receiver:
        begun = time.monotonic()
        assert post(receiver.url, seconds=0.4).status == 200

        assert time.monotonic() - begun < 1.2


SLOW_BODIES = {
    "with a length": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
    "until it closes": b"HTTP/1.1 200 OK\r\n\r\n",
    "of HTTP 1.0": b"HTTP/1.0 200 OK\r\n\r\n",
    "in chunks, then it closes": b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n",
}


@pytest.mark.parametrize("beginning", SLOW_BODIES.values(), ids=SLOW_BODIES)
def test_the_thread_ends_when_the_time_is_up(beginning):
    """http.client closes the connection, but not its socket, when a response of unknown length begins."""
    with Receiver([drip([beginning, *[b"x"] * 100], 0.03)]) as receiver:
        serving = set(threading.enumerate())
        assert post(receiver.url, seconds=0.2).status == 200

        for thread in set(threading.enumerate()) - serving:
            thread.join(1)
            assert not thread.is_alive()


@pytest.mark.parametrize("header", [b"Transfer-Encoding: chunked", b"Content-Length: 9", b"Connection: keep-alive"])
def test_nobody_waits_for_the_body_of_no_content(header):
    def keep_open(connection):
        connection.sendall(b"HTTP/1.1 204 No Content\r\n" + header + b"\r\n\r\n")
        connection.recv(1)  # until the other side closes

    with Receiver([keep_open]) as receiver:
        begun = time.monotonic()
        assert post(receiver.url, seconds=5).status == 204

        assert time.monotonic() - begun < 2


@pytest.mark.parametrize(
    "beginning",
    [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"],
    ids=["until it closes", "with a length"],
)
def test_of_an_endless_answer_the_beginning_is_enough(beginning):
    with Receiver([endless(beginning)]) as receiver:
        answer = post(receiver.url)

    assert (answer.status, len(answer.body)) == (200, BODY_LIMIT)


@pytest.mark.parametrize(
    "script",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        endless(b"HTTP/1.1 200 OK\r\nX: "),
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: yes\r\n" * 500 + b"\r\n",
    ],
    ids=["closed", "another protocol", "endless header", "headers without number"],
)
def test_what_is_no_answer_is_an_error(script):
    with Receiver([script]) as receiver, pytest.raises(NoResponse):
        post(receiver.url)


def test_a_header_that_cannot_be_sent_is_an_error_of_the_caller():
    with Receiver() as receiver, pytest.raises(ValueError, match="Invalid header"):
        Endpoint(receiver.url, True).post({"x": "a\r\nb: c"}, b"", time.monotonic() + 2)

    assert receiver.requests == []


def test_nobody_there_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with pytest.raises(NoResponse, match="Connection refused"):
        post(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver.example/",
        "ftp://receiver.example/",
        "file:///etc/passwd",
        "https://",
        "https://a:b@c/",
        "https://a/#b",
        "https://good.example@127.0.0.1/",
        "https://@127.0.0.1/",
        "https://good.example\\@127.0.0.1/",
        "https://127.0.0.1\\.good.example/",
        "https://127.0.0.1%00.good.example/",
        "https://①②⑦.⓪.⓪.①/",
        "https://a/ b",
        "https://a/\r\nx-admin: yes",
        "https://a/é",
        "x",
    ],
)
def test_a_url_that_is_none_for_a_webhook_is_refused(url):
    with pytest.raises(ValueError, match="the webhook's URL must be https"):
        Endpoint(url, allow_private=False)


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    with Receiver() as proxy, Receiver() as receiver:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        assert post(receiver.url).status == 204

    assert proxy.requests == []
