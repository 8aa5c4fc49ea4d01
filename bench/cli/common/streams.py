"""Standard output and error that no command fails on.

A run goes on, and a status is kept, whatever becomes of the output: where nobody reads on (a pipe
that is closed, as by `head`) the rest is dropped, and any other failure to write is reported at the
end. Signs that an encoding lacks are written as escapes. A stream that is closed is opened on
/dev/null, or the next file that is opened would receive what is printed.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any, TextIO


class _Descriptor(io.FileIO):
    """A descriptor that takes whatever is written to it; `error` is the first failure."""

    error: OSError | None = None

    def write(self, content: Any, /) -> int:
        try:
            return super().write(content)
        except OSError as error:
            self.error = self.error or error
            return memoryview(content).nbytes


def secure() -> _Descriptor | None:
    """Replace the standard streams, unless somebody else has; return that of the output."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # gets the lowest number free
    output = None
    if sys.stdout is sys.__stdout__:
        output = _Descriptor(1, "w", closefd=False)
        sys.stdout = _text(output, sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text(_Descriptor(2, "w", closefd=False), sys.stderr)
    return output


def lost(output: _Descriptor | None) -> str | None:
    """Return a sentence if output was lost that somebody may have waited for."""
    sys.stdout.flush()
    error = output.error if output else None
    if error is None or error.errno == errno.EPIPE:
        return None
    return f"output is lost: cannot write standard output ({error.strerror}); nothing else is"


def _text(descriptor: _Descriptor, old: TextIO | None) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(descriptor),
        encoding=old.encoding if old else "utf-8",
        errors="backslashreplace",
        line_buffering=descriptor.isatty() or descriptor.fileno() == 2,
        write_through=isinstance(old, io.TextIOWrapper) and old.write_through,
    )
