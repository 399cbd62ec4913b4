"""``@asynchronous``: a view that answers later, by the handler after its request."""

from ...longpoll import asynchronous as asynchronous
