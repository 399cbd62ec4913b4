"""The examples of django-tornado-websockets' manual in a new project.

``compat`` changes only the imports and the app. ``ours`` uses the new names, and one attribute
becomes a key. Both add one ``include()``.
"""

from __future__ import annotations

from pathlib import Path

IMPORTS = {
    "compat": """
from c10kws.compat.tornado_websockets.modules.progress_bar import ProgressBar
from c10kws.compat.tornado_websockets.websocket import WebSocket
""",
    "ours": """
from c10kws.events import EventSocket as WebSocket, ProgressBar
""",
}
VIEWS = """
import threading
import time

from django.shortcuts import render

ws_echo = WebSocket('/echo')

@ws_echo.on
def open(socket):
    # Notify all clients about a new connection
    ws_echo.emit('new_connection')

@ws_echo.on
def message(socket, data):
    # Reply to the client
    socket.emit('message', data)

    # Wow we got a spammer, let's inform the first client :^)
    if 'spam' in data.message:
        # wow
        ws_echo[0].emit('got_spam', {
            'message': data.get('message'),
            'socket': socket
        })

ws_pb = ProgressBar('/my_progress_bar', min=0, max=20)

# Client emitted ``start_progression`` event
@ws_pb.on
def start_progression():

    def my_func():
        for value in range(ws_pb.min, ws_pb.max):
            time.sleep(.01) # Emulate a slow task :^)
            ws_pb.tick(label="[%d/%d] Task #%d is done" % (ws_pb.value, ws_pb.max, value))

    threading.Thread(None, my_func, None).start()

def page(request):
    return render(request, 'page.html')
"""
URLS = """
from django.urls import include, path
from django.views.generic import TemplateView
from . import views

urlpatterns = [
    path("page/", views.page),
    path("nested/", TemplateView.as_view(template_name="nested.html")),
    path("timer/", TemplateView.as_view(template_name="timer.html")),
    path("late/", TemplateView.as_view(template_name="late.html")),
    path("ws/", include("c10kws.events.urls")),
]
"""


def type_in(project: Path, way: str, views: str = "", **pages: str) -> None:
    """Put the examples, more views, and pages by their names into a project."""
    site = project / "mysite"
    examples = VIEWS if way == "compat" else VIEWS.replace("data.message", "data['message']")
    (site / "views.py").write_text(IMPORTS[way] + examples + views)
    (site / "urls.py").write_text(URLS)
    (site / "templates").mkdir()
    for name, text in pages.items():
        (site / "templates" / f"{name}.html").write_text(text)
    apps = '"c10kws", "mysite",'
    if way == "compat":
        apps += ' "c10kws.compat.tornado_websockets",'
    settings = site / "settings.py"
    settings.write_text(settings.read_text().replace('"c10kws",', apps))
