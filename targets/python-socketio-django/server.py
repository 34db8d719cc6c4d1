"""The Socket.IO part of the target contract inside a Django application with its own pages."""

from __future__ import annotations

import django
import socketio
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from sockproof.fixtures.python_socketio import install


def page(request: HttpRequest) -> HttpResponse:
    """A page of the application's own."""
    return HttpResponse(f"a page of Django {django.__version__} at {request.path}\n")


urlpatterns = [path("", page), path("about/", page)]


def application(ping_interval: int, ping_timeout: int) -> socketio.WSGIApp:
    """The WSGI application; intervals in seconds."""
    settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="-")  # noqa: S106
    sio = socketio.Server(
        async_mode="threading",
        ping_interval=ping_interval,
        ping_timeout=ping_timeout,
    )
    install(sio)
    return socketio.WSGIApp(sio, get_wsgi_application())
