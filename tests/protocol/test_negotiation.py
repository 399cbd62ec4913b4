"""The negotiation of permessage-deflate (RFC 7692 §5, §7.1), and the options of the setting."""

from __future__ import annotations

import itertools

import pytest
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.headers import parse_extension

from c10kws.exceptions import HandshakeRefused
from c10kws.protocol.negotiation import NAME, Compression, negotiate
from tests.support.protocols import agree

OFFER = "permessage-deflate; client_max_window_bits"
ALONE = OFFER + "; server_no_context_takeover; client_no_context_takeover"


# The negotiation


@pytest.mark.parametrize(
    ("header", "answer"),
    [
        ("permessage-deflate", "server_max_window_bits=12"),
        (OFFER, "server_max_window_bits=12; client_max_window_bits=12"),
        (OFFER + "=15", "server_max_window_bits=12; client_max_window_bits=12"),
        (OFFER + "=10", "server_max_window_bits=12; client_max_window_bits=10"),
        (OFFER + '="10"', "server_max_window_bits=12; client_max_window_bits=10"),
        (OFFER + "=8", "server_max_window_bits=12; client_max_window_bits=8"),
        ("permessage-deflate; server_max_window_bits=15", "server_max_window_bits=12"),
        ("permessage-deflate; server_max_window_bits=9", "server_max_window_bits=9"),
        (
            "permessage-deflate; client_no_context_takeover",
            "server_max_window_bits=12; client_no_context_takeover",
        ),
        (
            "permessage-deflate; server_no_context_takeover",
            "server_max_window_bits=12; server_no_context_takeover",
        ),
        ("PerMessage-Deflate;Server_Max_Window_Bits \t=\t 11", "server_max_window_bits=11"),
        (" ,\t, permessage-deflate ,,", "server_max_window_bits=12"),
        ("x-webkit-deflate-frame, permessage-deflate", "server_max_window_bits=12"),
        ('x; a=b; c="d"; e; a, permessage-deflate', "server_max_window_bits=12"),
        # The first offer that can be accepted is.
        (
            "permessage-deflate; server_max_window_bits=8, "
            "permessage-deflate; mystery, "
            "permessage-deflate; server_max_window_bits=10, "
            "permessage-deflate; server_max_window_bits=11",
            "server_max_window_bits=10",
        ),
        (
            "permessage-deflate; client_max_window_bits; client_max_window_bits, "
            "permessage-deflate",
            "server_max_window_bits=12",
        ),
    ],
)
def test_offers_that_are_accepted(header: str, answer: str) -> None:
    assert agree(header, Compression()).header == f"permessage-deflate; {answer}"


@pytest.mark.parametrize(
    "header",
    [
        "",
        " , ,",
        "permessage-bzip2",
        "permessage-deflate2; client_max_window_bits",
        "permessage-deflate; mystery",
        "permessage-deflate; mystery=1",
        "permessage-deflate; server_max_window_bits",
        *(f"permessage-deflate; server_max_window_bits={bits}" for bits in (0, 7, 8, 16, 100)),
        *(f"permessage-deflate; server_max_window_bits={bits}" for bits in ("09", "+9", "1e1")),
        *(f"permessage-deflate; client_max_window_bits={bits}" for bits in (0, 7, 16, 150)),
        *(f"permessage-deflate; client_max_window_bits={bits}" for bits in ("08", "010", "-9")),
        'permessage-deflate; client_max_window_bits="010"',
        "permessage-deflate; client_max_window_bits=12; client_max_window_bits=12",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; server_no_context_takeover; Server_No_Context_Takeover",
        "permessage-deflate; server_no_context_takeover=1",
        'permessage-deflate; client_no_context_takeover="true"',
    ],
)
def test_offers_that_are_declined(header: str) -> None:
    assert negotiate(header, Compression()) is None


@pytest.mark.parametrize(
    "header",
    [
        "=abc",
        "permessage-deflate; =abc",
        "permessage-deflate=10",
        "permessage-deflate;",
        "permessage-deflate;; client_max_window_bits",
        "; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=",
        'permessage-deflate; client_max_window_bits=""',
        'permessage-deflate; client_max_window_bits="10',
        'permessage-deflate; client_max_window_bits=10"',
        'permessage-deflate; client_max_window_bits="1 0"',
        "permessage-deflate client_max_window_bits",
        "permessage-deflate; client_max_window_bits=1 0",
        "permessage-deflate; a=b=c",
        "permessage/deflate",
        "permessage-déflate",
    ],
)
def test_a_header_that_is_no_list_of_extensions_is_refused(header: str) -> None:
    with pytest.raises(HandshakeRefused, match="Sec-WebSocket-Extensions") as caught:
        negotiate(header, Compression())
    assert caught.value.status == 400


@pytest.mark.parametrize("server_alone", [True, False])
@pytest.mark.parametrize("client_alone", [True, False])
@pytest.mark.parametrize("server_bits", [9, 12, 15])
@pytest.mark.parametrize("client_bits", [9, 12, 15])
def test_every_answer_is_one_that_a_client_may_accept(
    server_alone: bool, client_alone: bool, server_bits: int, client_bits: int
) -> None:
    options = Compression(
        server_max_window_bits=server_bits,
        client_max_window_bits=client_bits,
        server_no_context_takeover=server_alone,
        client_no_context_takeover=client_alone,
    )
    for first, second, asked_server, asked_client in itertools.product(
        [False, True], [False, True], [None, 9, 12, 15], [None, True, 9, 12, 15]
    ):
        client = ClientPerMessageDeflateFactory(
            server_no_context_takeover=first,
            client_no_context_takeover=second,
            server_max_window_bits=asked_server,
            client_max_window_bits=asked_client,
        )
        check_answer(client, options)


def check_answer(client: ClientPerMessageDeflateFactory, options: Compression) -> None:
    """§7.1, by the client of the websockets library, which refuses what it may not accept."""
    parameters = [n if v is None else f"{n}={v}" for n, v in client.get_request_params()]
    agreement = agree("; ".join([NAME, *parameters]), options)
    ((name, answer),) = parse_extension(agreement.header)
    assert name == NAME
    assert len(dict(answer)) == len(answer)
    # It needs what it asked for, and gets no client_max_window_bits that it did not offer.
    extension = client.process_response_params(answer, [])
    assert extension.remote_max_window_bits == agreement.server_max_window_bits
    assert extension.local_max_window_bits == agreement.client_max_window_bits
    assert extension.remote_no_context_takeover == agreement.server_no_context_takeover
    assert extension.local_no_context_takeover == agreement.client_no_context_takeover
    assert agreement.server_max_window_bits <= options.server_max_window_bits
    assert agreement.server_no_context_takeover >= options.server_no_context_takeover
    assert agreement.client_no_context_takeover >= options.client_no_context_takeover
    if client.client_max_window_bits is not None:
        assert agreement.client_max_window_bits <= options.client_max_window_bits


# The options


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, Compression()),
        (False, None),
        (None, None),
        ({}, Compression()),
        ({"level": 0, "threshold": 0}, Compression(level=0, threshold=0)),
        ({"client_no_context_takeover": True}, Compression(client_no_context_takeover=True)),
        (Compression(level=9), Compression(level=9)),
    ],
)
def test_values_of_the_setting(value: object, expected: Compression | None) -> None:
    assert Compression.from_value(value) == expected


@pytest.mark.parametrize("value", ["deflate", 1, 0, 6.5, [], ["level"], ("level", 6)])
def test_a_setting_of_another_type_is_an_error(value: object) -> None:
    with pytest.raises(TypeError, match="expected True, False or a dictionary of options, not"):
        Compression.from_value(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"levle": 6}, "unknown option 'levle'; use any of: level, .*threshold"),
        ({"LEVEL": 6}, "unknown option 'LEVEL'"),
        ({1: 6}, "unknown option 1;"),
        ({"level": -1}, "level must be an integer from 0 to 9, not -1"),
        ({"level": 10}, "not 10"),
        ({"level": "6"}, "not '6'"),
        ({"level": True}, "not True"),
        ({"level": None}, "not None"),
        ({"memory_level": 0}, "memory_level must be an integer from 1 to 9, not 0"),
        ({"server_max_window_bits": 8}, "from 9 to 15, not 8"),
        ({"client_max_window_bits": 16}, "from 9 to 15, not 16"),
        ({"threshold": -1}, "threshold must be an integer from 0 to "),
        ({"threshold": 1.5}, "not 1.5"),
    ],
)
def test_an_option_with_a_wrong_value_is_an_error(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Compression.from_value(value)


@pytest.mark.parametrize("value", [1, 0, None, "yes"])
def test_a_flag_is_true_or_false(value: object) -> None:
    with pytest.raises(TypeError, match="expected server_no_context_takeover to be True or False"):
        Compression.from_value({"server_no_context_takeover": value})


def test_a_quoted_value_may_be_escaped() -> None:
    """RFC 6455 §9.1: a quoted-string, whose value after unescaping is a token."""
    header = 'permessage-deflate; client_max_window_bits="1\\0"'
    agreement = negotiate(header, Compression())
    assert agreement is not None and agreement.client_max_window_bits == 10


def test_a_broken_offer_after_a_good_one_is_refused_too() -> None:
    with pytest.raises(HandshakeRefused):
        negotiate("permessage-deflate, =abc", Compression())
