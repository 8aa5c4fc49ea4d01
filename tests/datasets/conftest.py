"""What tests of data share: a cache of their own, and a server that misbehaves on localhost."""

import gzip
import re
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_tests(tmp_path_factory):
    """Digests are remembered in a folder of the tests' own, not in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


class Handler(BaseHTTPRequestHandler):
    """Answers as the next act for a path says, and plainly when there is none."""

    def do_GET(self):
        name = self.path.lstrip("/")
        self.server.asked[name].append(self.headers.get("Range", ""))
        acts = self.server.acts[name]
        act = acts.pop(0) if acts else self.server.plain
        act(self, self.server.content.get(name, b""))

    def log_message(self, *args):
        """Stay silent."""

    def head(self, status, length=None, **headers):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()


class Server(ThreadingHTTPServer):
    """What is served, which acts come in turn, and which ranges were asked for.

    An act is called with the handler of a request and the content that it asks for.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = {}
        self.acts = defaultdict(list)
        self.asked = defaultdict(list)

    def serve(self, name, content, *acts):
        """Serve content and return its address; the acts come first."""
        self.content[name], self.acts[name] = content, list(acts)
        return f"http://127.0.0.1:{self.server_port}/{name}"

    @staticmethod
    def plain(handler, content, most=None):
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        if not content:
            handler.head(404, 0)
        elif start >= len(content):
            handler.head(416, 0, Content_Range=f"bytes */{len(content)}")
        else:
            span = {"Content_Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
            length = len(content) - start
            handler.head(206 if asked else 200, length, **(span if asked else {}))
            handler.wfile.write(content[start:][:most])

    @staticmethod
    def dropping(n_bytes):
        """Break the connection after some bytes of what was asked for."""
        return lambda handler, content: Server.plain(handler, content, n_bytes)

    @staticmethod
    def whole(handler, content, most=None):
        """Send the file from its beginning, whatever range was asked for."""
        handler.head(200, len(content))
        handler.wfile.write(content[:most])

    @staticmethod
    def dropping_whole(n_bytes):
        """Break the connection after some bytes from the beginning of the file."""
        return lambda handler, content: Server.whole(handler, content, n_bytes)

    @staticmethod
    def status(code, **headers):
        return lambda handler, content: handler.head(code, 0, **headers)

    @staticmethod
    def sending(body, code=200, **headers):
        """Send something else."""

        def act(handler, content):
            handler.head(code, len(body), **headers)
            handler.wfile.write(body)

        return act

    @staticmethod
    def lengthless(n_bytes):
        """Send some bytes of the file without saying how many are to come."""

        def act(handler, content):
            handler.head(200)
            handler.wfile.write(content[:n_bytes])

        return act

    @staticmethod
    def trickling(handler, content):
        """Send the file in ten pieces, slowly."""
        handler.head(200, len(content))
        step = -(-len(content) // 10)
        for start in range(0, len(content), step):
            handler.wfile.write(content[start : start + step])
            time.sleep(0.03)

    @staticmethod
    def stalling(handler, content):
        """Send nothing for longer than one waits."""
        handler.head(200, len(content))
        handler.wfile.write(content[:1000])
        time.sleep(0.5)

    @staticmethod
    def packing(handler, content):
        """Send the file compressed unless the request refuses compression."""
        if "gzip" in handler.headers.get("Accept-Encoding", "gzip"):
            packed = gzip.compress(content)
            handler.head(200, len(packed), Content_Encoding="gzip")
            handler.wfile.write(packed)
        else:
            Server.plain(handler, content)

    @staticmethod
    def hanging_up(handler, content):
        """Break the connection without an answer."""


@pytest.fixture
def server():
    with Server() as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()
