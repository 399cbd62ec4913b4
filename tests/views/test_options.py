"""The options of ``@websocket``."""

from __future__ import annotations

from typing import Any

import pytest

from c10kws import websocket


@pytest.mark.parametrize("argument", ["subprotocols", "origins"])
def test_a_string_is_no_list(argument: str) -> None:
    options: Any = {argument: "chat"}
    with pytest.raises(TypeError, match=argument):
        websocket(**options)
