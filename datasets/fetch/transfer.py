"""Download one file over HTTP, resumed after an interruption, retried if a server is busy.

`pooch` does the transfer. Its own handling of files restarts an interrupted download, which for an
archive of gigabytes on a poor line never ends. Here the bytes that arrived are kept in a `.part`
file, and only the missing ones are requested (RFC 9110, section 14).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from datasets import files
from datasets.entry import File

if TYPE_CHECKING:
    from requests import HTTPError, Response

ATTEMPTS = 4  # in a row without a new byte
PAUSE_SECONDS = 0.5  # before the second attempt, doubled for each one after it
LONGEST_PAUSE_SECONDS = 20.0  # however long a server asks to wait
TIMEOUT_SECONDS = (10.0, 30.0)  # to connect, and between two packets
CHUNK_BYTES = 1 << 16
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})

Report = Callable[[str, int, int | None], None]
"""Called with the path of a file, the number of its bytes so far, and its size or None."""


class Unusable(Exception):
    """A URL did not send the file; the message says what it did, as in "answered 404"."""


class Unreachable(Unusable):
    """No connection to the host of a URL is possible."""


def bring(url: str, file: File, part: Path, report: Report) -> None:
    """Download a whole file from a URL, and verify it.

    Args:
        url: where it is.
        file: its expected size and digest.
        part: where it is written; bytes there from before are kept if the file has a digest.
        report: called as bytes arrive.

    Raises:
        Unusable: the URL does not send it, or sends something else; `part` may keep some bytes.
        OSError: `part` cannot be written.
    """
    for fresh in (False, True):
        with part.open("ab") as opened:
            sink = _Sink(opened, file, report)
            if fresh or not file.pin:
                sink.cut()
            resumed = sink.n_bytes > 0
            try:
                if sink.n_bytes != file.n_bytes:
                    _persist(url, sink)
            finally:
                os.fsync(opened.fileno())
                if not sink.n_bytes:
                    part.unlink()
        if not sink.n_bytes:
            msg = "sent an empty file"
            raise Unusable(msg)
        flaw = files.flaw(file, part)
        if not flaw:
            return
        part.unlink()
        if not resumed:  # otherwise the bytes from before may be wrong
            break
    msg = f"sent a file that {flaw}"
    raise Unusable(msg)


class _Sink:
    """The file that `pooch` writes to."""

    def __init__(self, opened: BinaryIO, file: File, report: Report) -> None:
        self._opened, self.file, self._report = opened, file, report
        self.n_bytes = os.fstat(opened.fileno()).st_size
        self._total = file.n_bytes

    def begin(self, response: Response) -> None:
        """Prepare for the body of an answer.

        Raises:
            Unusable: it is a web page, of another size, or not the requested range.
        """
        kind = response.headers.get("content-type", "")
        if kind.startswith("text/html"):
            msg = "sent a web page instead of the file"
            raise Unusable(msg)
        if response.status_code == 206:
            span = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
            if span is None or int(span[1]) != self.n_bytes:
                msg = f"sent another part of the file than requested, the one from {self.n_bytes:,}"
                raise Unusable(msg)
        else:
            self.cut()
        if length := response.headers.get("content-length"):
            self._total = self.n_bytes + int(length)
            if self.file.n_bytes not in (None, self._total):
                msg = f"announces {self._total:,} bytes, expected {self.file.n_bytes:,}"
                raise Unusable(msg)

    def write(self, chunk: bytes) -> None:
        """Append bytes.

        Raises:
            Unusable: the file would be larger than expected.
        """
        if self.file.n_bytes is not None and self.n_bytes + len(chunk) > self.file.n_bytes:
            self.cut()
            msg = f"sends more than the {self.file.n_bytes:,} bytes expected"
            raise Unusable(msg)
        self._opened.write(chunk)
        self._opened.flush()  # so that the bytes outlive this process
        self.n_bytes += len(chunk)
        self._report(self.file.path, self.n_bytes, self._total)

    def flush(self) -> None:
        """Do nothing: every write is flushed before it is reported."""

    def cut(self) -> None:
        """Discard all bytes so far."""
        self._opened.truncate(0)
        self.n_bytes = 0


def _persist(url: str, sink: _Sink) -> None:
    """Transfer until the file is complete, or several attempts bring no new byte."""
    import requests

    most, in_vain = sink.n_bytes, 0
    while True:
        wait = 0.0
        try:
            _transfer(url, sink)
            if sink.file.n_bytes is None or sink.n_bytes == sink.file.n_bytes:
                return
            reason = f"ended after {sink.n_bytes:,} of {sink.file.n_bytes:,} bytes"
        except requests.HTTPError as error:
            reason, wait = _busy(error, sink)
        except (requests.ConnectionError, requests.Timeout) as error:
            reason = _broken(error, sink)
        except requests.exceptions.ChunkedEncodingError:
            reason = f"broke off after {sink.n_bytes:,} bytes"
        except requests.RequestException as error:
            msg = f"cannot be used: {error}"
            raise Unusable(msg) from error
        in_vain = 0 if sink.n_bytes > most else in_vain + 1
        most = max(most, sink.n_bytes)
        if in_vain == ATTEMPTS:
            raise Unusable(reason)
        pause = PAUSE_SECONDS * 2 ** max(0, in_vain - 1)
        time.sleep(min(max(pause, wait), LONGEST_PAUSE_SECONDS))


def _transfer(url: str, sink: _Sink) -> None:
    from pooch import HTTPDownloader

    answers: list[Response] = []

    def begin(answer: Response, **_: Any) -> None:
        answers.append(answer)
        if answer.ok and not answer.is_redirect:
            sink.begin(answer)

    headers = {"Accept-Encoding": "identity"}  # bytes as they are, or ranges mean nothing
    if sink.n_bytes:
        headers["Range"] = f"bytes={sink.n_bytes}-"
    download = HTTPDownloader(
        chunk_size=CHUNK_BYTES, timeout=TIMEOUT_SECONDS, headers=headers, hooks={"response": begin}
    )
    try:
        download(url, sink, None)
    finally:
        for answer in answers:
            answer.close()


def _busy(error: HTTPError, sink: _Sink) -> tuple[str, float]:
    """Return the answer of a server, and the seconds it asks to wait.

    Raises:
        Unusable: another request would change nothing.
    """
    answer = cast("Response", error.response)  # an error by its status always has one
    reason = f"answered {answer.status_code} {answer.reason}".rstrip()
    if answer.status_code == 416:  # more bytes are here than the server has
        sink.cut()
    elif answer.status_code not in BUSY:
        raise Unusable(reason) from error
    asked = answer.headers.get("retry-after", "")
    return reason, float(asked) if asked.isdecimal() else 0.0


def _broken(error: OSError, sink: _Sink) -> str:
    """Return how a connection failed.

    Raises:
        Unreachable: there was no connection.
    """
    from urllib3.exceptions import MaxRetryError

    cause = error.args[0] if error.args else None
    if isinstance(cause, MaxRetryError):
        reason = str(cause.reason)
        msg = f"cannot be reached: {reason.partition(': ')[2] or reason}"
        raise Unreachable(msg) from error
    return f"broke off after {sink.n_bytes:,} bytes"
