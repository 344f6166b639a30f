# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A line at the bottom of a terminal that is drawn over and over while work goes on."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ERASE = "\r\x1b[K"
SECONDS = 1.0


def width(text: str) -> int:
    """Return the columns that a text takes: Chinese characters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def fit(text: str, columns: int) -> str:
    """Return a text cut to a number of columns, without anything that would move the cursor."""
    text = "".join(char if char.isprintable() else " " for char in text)
    if width(text) <= columns:
        return text
    while text and width(text) > columns - 1:
        text = text[:-1]
    return f"{text}…"


class LiveLine:
    """Draws what `render` returns, once a second and at every call of `draw`, until `stop`.

    `write` goes straight to the terminal, past Python's buffers: the drawing thread must never hold a lock of
    `sys.stdout` while Ansible forks a worker.
    """

    def __init__(self, render: Callable[[], str], write: Callable[[str], None], columns: Callable[[], int]) -> None:
        """Take what returns the text, what writes to the terminal and what returns the terminal's width."""
        self._render = render
        self._write = write
        self._columns = columns
        self._lock = threading.RLock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._suspended = True

    def start(self) -> None:
        """Begin to draw."""
        with self._lock:
            self._suspended = False
        if self._thread is None:
            self._thread = threading.Thread(target=self._tick, name="progress", daemon=True)
            self._thread.start()
        self.draw()

    def suspend(self) -> None:
        """Erase the line and draw no more until `start`: somebody else needs the terminal."""
        with self._lock:
            if not self._suspended:
                self._write(ERASE)
            self._suspended = True

    def stop(self) -> None:
        """Erase the line for good."""
        self.suspend()
        self._stopped.set()

    def draw(self) -> None:
        """Draw the line now. The cursor stays at its start, so that other output begins there."""
        with self._lock:
            if not self._suspended:
                self._write(f"{ERASE}{fit(self._render(), self._columns() - 1)}\r")

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Keep the line away while lasting output is printed."""
        with self._lock:
            if not self._suspended:
                self._write(ERASE)
            yield
            self.draw()

    def _tick(self) -> None:
        while not self._stopped.wait(SECONDS):
            self.draw()
