"""Decorators of views around the view of an EventSocket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..views.decorator import View

Decorator = Callable[[View], View]


def decorated(view: View, decorators: Any) -> View:
    """Apply decorators, the first outermost. Raises TypeError for anything but a list of them."""
    is_list = isinstance(decorators, Sequence) and not isinstance(decorators, str)
    if not (is_list and all(callable(decorator) for decorator in decorators)):
        raise TypeError(
            "decorators must be a list of decorators of views, for example [login_required], "
            f"not {decorators!r}"
        )
    for decorator in reversed(decorators):
        view = decorator(view)
    return view
