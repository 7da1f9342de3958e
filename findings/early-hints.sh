#!/usr/bin/env bash
# urllib3 2.8.0 and Python's http.client (seen with 3.11.7) take 103 Early Hints for the final answer.
#
# RFC 9110, section 15.2: a client parses any number of interim answers (1xx) before the final one, and may ignore them.
# Both skip 100 Continue alone. A server that sends 103 before 204 gives a status of 103, and the 204 is left unread.
#
# Seen:    urllib3 2.8.0: 100 then 204 gives 204; 103 then 204 gives 103
#          http.client: 100 then 204 gives 204; 103 then 204 gives 103
# Ends with 0 as long as that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check urllib3==2.8.0
cat > "$folder/ask.py" <<'PYTHON'
import http.client
import socket
import threading

import urllib3

FINAL = b"HTTP/1.1 204 No Content\r\n\r\n"


def serve(listener, answers):
    for answer in answers:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)


def by_urllib3(port):
    return urllib3.PoolManager(retries=False).request("GET", f"http://127.0.0.1:{port}/").status


def by_http_client(port):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/")
    return connection.getresponse().status


continued = b"HTTP/1.1 100 Continue\r\n\r\n" + FINAL
hinted = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n" + FINAL
for name, ask in ((f"urllib3 {urllib3.__version__}", by_urllib3), ("http.client", by_http_client)):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener, (continued, hinted)), daemon=True).start()
        port = listener.getsockname()[1]
        print(f"{name}: 100 then 204 gives {ask(port)}; 103 then 204 gives {ask(port)}")
PYTHON
"$folder/venv/bin/python" "$folder/ask.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
urllib3 2.8.0: 100 then 204 gives 204; 103 then 204 gives 103
http.client: 100 then 204 gives 204; 103 then 204 gives 103
SEEN
