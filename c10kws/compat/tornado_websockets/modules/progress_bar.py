"""``ProgressBar``, which is a WebSocket."""

from ....events import progress
from ..websocket import WebSocket


class ProgressBar(WebSocket, progress.ProgressBar):
    """The ancestor's progress bar."""
