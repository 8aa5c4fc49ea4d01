"""Chromium without a window, driven over its own pipe: no driver, no port, no library.

Messages of the DevTools protocol are JSON texts that end with a zero byte; Chromium reads them
from descriptor 3 and answers on descriptor 4.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--remote-debugging-pipe",
)  # fmt: skip
EXECUTABLE = next(filter(None, map(shutil.which, ("chromium", "chromium-browser",
                                                  "google-chrome"))), None)  # fmt: skip


class Browser:
    """One tab: its requests and what it complained of, and what a script in it gives."""

    def __init__(self, process: subprocess.Popen[bytes], write: int, read: int) -> None:
        self._process, self._write, self._read = process, write, read
        self._count, self._rest, self._session = 0, b"", ""
        self.requests: list[str] = []
        self.problems: list[str] = []
        self._time_is_up = False
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        answer = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = answer["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def open(self, url: str) -> None:
        """Open a page, and wait until it is there with all it needs."""
        self.requests.clear()
        self.problems.clear()
        self._call("Page.navigate", url=url)
        self("new Promise(done => document.readyState === 'complete' ? done() "
             ": addEventListener('load', () => setTimeout(done)))")  # fmt: skip

    def __call__(self, script: str) -> Any:
        """Return the value of an expression in the page, awaited if it is a promise."""
        answer = self._call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True,
            userGesture=True,
        )  # fmt: skip
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def settle(self, seconds: float) -> None:
        """Let so much of the page's own time pass, which stands still while requests are open."""
        self._time_is_up = False
        self._call(
            "Emulation.setVirtualTimePolicy",
            policy="pauseIfNetworkFetchesPending", budget=1000 * seconds,
        )  # fmt: skip
        while not self._time_is_up:
            answer = self._receive()
            self._note(answer.get("method", ""), answer.get("params", {}))
        self._call("Emulation.setVirtualTimePolicy", policy="advance")

    def press(self, key: str) -> None:
        """Press and release a key: "Tab", "Enter", "ArrowRight"."""
        code = {"Tab": 9, "Enter": 13, "ArrowRight": 39}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        event = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self._call("Input.dispatchKeyEvent", type="keyDown", **event, **text)
        self._call("Input.dispatchKeyEvent", type="keyUp", **event)

    def show(self, *, width: int = 1400, height: int = 900, dark: bool = False,
             medium: str = "screen") -> None:  # fmt: skip
        """Set the size of the window, the theme that the user prefers, and screen or print."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", media=medium, features=[theme])

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Write the page as PNG."""
        answer = self._call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def pdf(self, path: Path) -> None:
        """Write the page as it prints."""
        answer = self._call("Page.printToPDF", printBackground=False, preferCSSPageSize=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise AssertionError(answer["error"])
                return dict(answer["result"])
            self._note(answer.get("method", ""), answer.get("params", {}))

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._read, 1 << 16)
            if not part:
                msg = f"chromium ended: {self._process.poll()}"
                raise AssertionError(msg)
            self._rest += part
        text, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(text))

    def _note(self, method: str, answer: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(answer["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(answer["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled":
            self.problems.append(json.dumps(answer["args"]))
        elif method == "Emulation.virtualTimeBudgetExpired":
            self._time_is_up = True
        elif method == "Log.entryAdded":
            self.problems.append(answer["entry"]["text"])


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start Chromium with an empty profile folder; end it, and all it started, at last."""
    assert EXECUTABLE
    here, to_it = os.pipe()
    from_it, there = os.pipe()

    def place() -> None:  # the two ends stand where Chromium looks for them
        spare = [os.dup(here), os.dup(there)]
        os.dup2(spare[0], 3)
        os.dup2(spare[1], 4)

    process = subprocess.Popen(
        [EXECUTABLE, *FLAGS, f"--user-data-dir={profile}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        close_fds=False, preexec_fn=place, start_new_session=True,
    )  # fmt: skip
    os.close(here)
    os.close(there)
    try:
        yield Browser(process, to_it, from_it)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(to_it)
        os.close(from_it)
