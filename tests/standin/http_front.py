"""The HTTP side: connections that stay open, as AWS keeps them, and that a fault rule can break at any moment."""

import email.utils
import http.server
import io
import re
import socket
import struct
import time
import urllib.parse

from state import STATE


class Handler(http.server.BaseHTTPRequestHandler):
    """Turns requests into WSGI environments and answers into bytes; one thread a connection."""

    protocol_version = "HTTP/1.1"
    timeout = 300
    # Answers leave in one write; nothing waits for an acknowledgement.
    disable_nagle_algorithm = True
    application = None

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        body = self.rfile.read(length) if length else b""
        path, _, query = self.path.partition("?")
        environ = {
            "REQUEST_METHOD": self.command, "PATH_INFO": urllib.parse.unquote(path), "QUERY_STRING": query, "RAW_URI": self.path,
            "REQUEST_URI": self.path, "CONTENT_TYPE": self.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(length), "SCRIPT_NAME": "",
            "SERVER_NAME": "127.0.0.1", "SERVER_PORT": str(self.server.server_port), "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False, "werkzeug.socket": self.connection,
        }
        for name, value in self.headers.items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        started = {}

        def start_response(status, headers, _exc_info=None):
            started["status"], started["headers"] = status, headers

        try:
            answer = b"".join(self.application(environ, start_response))
        except ConnectionResetError:
            self.close_connection = True
            return
        status = started["status"].split(" ", 1)[0]
        lines = [f"HTTP/1.1 {status} {self.responses.get(int(status), ('x',))[0]}"]
        lines.append("Date: " + email.utils.formatdate(time.time() + STATE.offset, usegmt=True))
        lines += [f"{name}: {value}" for name, value in started["headers"] if name.lower() not in ("connection", "date")]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        if environ.get("offkey.truncate"):
            # The answer ends in the middle, as if it were whole.
            answer = answer[: int(len(answer) * 0.8)]
            head = re.sub(rb"(?i)content-length: \d+", b"Content-Length: %d" % len(answer), head)
        try:
            self.wfile.write(head + (b"" if self.command == "HEAD" else answer))
        except OSError:
            # The client went away: killed, most likely, as tests do.
            self.close_connection = True

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any

    def log_message(self, *_args):
        pass

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass

    def finish(self):
        try:
            super().finish()
        except OSError:
            pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def reset(environ):
    """Ends the connection as a crashed peer does."""
    connection = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RD)
    connection.close()
    raise ConnectionResetError("as the fault rule says")
