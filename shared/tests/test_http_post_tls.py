"""Over TLS: the certificate is for the name in the URL, of an authority one trusts, and the exchange ends in time."""

import socket
import ssl
import threading
import time

import pytest

from blueprints_shared.http_post import Endpoint, NoResponse
from shared.tests.certificates import Authority
from shared.tests.http_receiver import Receiver, drip

NAME = "receiver.example"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority, monkeypatch):
    """The machine trusts the authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))


def post(host, port, seconds=3.0, body=b"{}", addresses=("127.0.0.1",)):
    """Post to a name that resolves to addresses of loopback."""

    def resolve(*_):
        return [(socket.AF_INET, 1, 6, "", (address, port)) for address in addresses]

    return Endpoint(f"https://{host}:{port}/hook", True, seconds, resolve).post({}, body, time.monotonic() + 30)


def test_a_receiver_with_a_certificate_for_its_name_gets_the_request(authority, trusted):
    context, asked_for = authority.server(NAME), []
    context.sni_callback = lambda _, name, __: asked_for.append(name)
    with Receiver(tls=context) as receiver:
        assert post(NAME, receiver.port).status == 204

    assert asked_for == [NAME]
    assert receiver.requests[0].headers["host"] == f"{NAME}:{receiver.port}"


@pytest.mark.parametrize(
    ("host", "certificate", "complaint"),
    [
        (NAME, {"name": "other.example"}, "Hostname mismatch"),
        (NAME, {"name": f"sub.{NAME}"}, "Hostname mismatch"),
        (f"sub.{NAME}", {"name": NAME}, "Hostname mismatch"),
        ("127.0.0.1", {"name": NAME}, "IP address mismatch"),
        (NAME, {"name": NAME, "expired": True}, "certificate has expired"),
    ],
)
def test_a_certificate_for_anything_else_is_refused_before_a_word_is_said(
    authority, trusted, host, certificate, complaint
):
    with Receiver(tls=authority.server(**certificate)) as receiver, pytest.raises(NoResponse, match=complaint):
        post(host, receiver.port)

    assert receiver.requests == []


def test_a_certificate_of_an_authority_that_nobody_knows_is_refused(authority):
    unknown = pytest.raises(NoResponse, match="unable to get local issuer certificate")
    with Receiver(tls=authority.server(NAME)) as receiver, unknown:
        post(NAME, receiver.port)

    assert receiver.requests == []


def test_a_server_without_tls_is_refused(trusted):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 This is no TLS\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(NoResponse, match="SSL"):
            post(NAME, listener.getsockname()[1])


def test_a_handshake_that_does_not_go_on_is_bounded():
    """It takes the connection, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        begun = time.monotonic()
        with pytest.raises(NoResponse, match="nothing came within"):
            post(NAME, listener.getsockname()[1], seconds=0.4)

    assert time.monotonic() - begun < 2.5


@pytest.mark.parametrize(
    "script",
    [drip(b"HTTP/1.1 200 OK\r\n" + b"X-Slow: yes\r\n" * 50, 0.05), lambda connection: threading.Event().wait(0.8)],
    ids=["headers drip", "silence"],
)
def test_an_answer_that_does_not_come_in_time_is_none(authority, trusted, script):
    with Receiver([script], tls=authority.server(NAME)) as receiver:
        begun = time.monotonic()
        with pytest.raises(NoResponse, match="nothing came within"):
            post(NAME, receiver.port, seconds=0.4)

        assert time.monotonic() - begun < 2.5


def test_the_certificates_of_these_tests_pass_the_strict_verification_of_python_3_13(authority, trusted):
    with Receiver(tls=authority.server(NAME)) as receiver:
        address = (socket.AF_INET, 1, 6, "", ("127.0.0.1", receiver.port))
        endpoint = Endpoint(f"https://{NAME}:{receiver.port}/", True, resolve=lambda *_: [address])
        endpoint.tls.verify_flags |= ssl.VERIFY_X509_STRICT
        assert endpoint.post({}, b"", time.monotonic() + 3).status == 204


def test_the_thread_ends_when_the_time_is_up(authority, trusted):
    """The response has no length, so http.client closes the connection, but not its socket."""
    body = drip([b"HTTP/1.1 200 OK\r\n\r\n", *[b"x"] * 100], 0.03)
    with Receiver([body], tls=authority.server(NAME)) as receiver:
        serving = set(threading.enumerate())
        assert post(NAME, receiver.port, seconds=0.5).status == 200

        for thread in set(threading.enumerate()) - serving:
            thread.join(1)
            assert not thread.is_alive()


def test_a_reset_handshake_is_followed_by_the_next_address(authority, trusted):
    good = Receiver(tls=authority.server(NAME))
    with good as receiver, socket.create_server(("127.0.0.2", receiver.port)) as resetting:
        thread = threading.Thread(target=lambda: resetting.accept()[0].close(), daemon=True)
        thread.start()
        response = post(NAME, receiver.port, addresses=("127.0.0.2", "127.0.0.1"))
        thread.join(1)

    assert response.status == 204
    assert not thread.is_alive()


def test_a_wrong_certificate_is_not_followed_by_the_next_address(authority, trusted):
    wrong = Receiver(tls=authority.server("other.example"), host="127.0.0.2")
    with Receiver(tls=authority.server(NAME)) as receiver:
        wrong.port = receiver.port
        with wrong, pytest.raises(NoResponse, match="Hostname mismatch"):
            post(NAME, receiver.port, addresses=("127.0.0.2", "127.0.0.1"))

    assert receiver.requests == []


def test_an_answer_before_the_body_was_read_is_one(authority, trusted):
    """The receiver discards the rest, as servers do: a connection that is reset may lose its answer."""

    def refuse(connection):
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        while connection.recv(2**16):
            pass

    with Receiver([refuse], tls=authority.server(NAME), reads_bodies=False) as receiver:
        assert post(NAME, receiver.port, body=b"x" * 2**24).status == 413
