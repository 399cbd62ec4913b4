"""Random texts as addresses to listen on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from c10kws_tornado.process.addresses import Address, parse_address
from tests.support.fuzz import examples

pieces = st.sampled_from(
    ["unix:", "fd://", "[", "]", ":", "::", "::1", "127.0.0.1", "localhost", "0", "8000", "65536"]
)
texts = st.lists(st.one_of(pieces, st.text(max_size=5)), max_size=5).map("".join)


def parse(text: str) -> Address | None:
    """Return the address, or None for a text that is none; nothing else may happen."""
    try:
        return parse_address(text, "::1")
    except ValueError:
        return None


@examples(500)
@given(texts)
def test_addresses(text: str) -> None:
    address = parse(text)
    if address is not None:
        assert parse(str(address)) == address
