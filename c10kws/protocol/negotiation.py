"""The negotiation of permessage-deflate (RFC 7692 §5, §7.1), and the options of its setting."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from ..exceptions import HandshakeRefused

NAME = "permessage-deflate"
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
#: RFC 6455 §9.1: a token, with a value or without; a quoted value is a token too.
_PARAMETER = re.compile(rf'({_TOKEN})(?:[ \t]*=[ \t]*(?:({_TOKEN})|"((?:\\?{_TOKEN})+)"))?')

Parameters = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Compression:
    """Options for compressing messages; also the keys of the ``COMPRESSION`` setting.

    The window bits of 12 and the memory level of 5 cost 50 KiB for each connection, zlib's defaults
    302 KiB, and compress short messages as well. Messages of less than ``threshold`` bytes are not
    compressed.
    """

    level: int = 6
    memory_level: int = 5
    server_max_window_bits: int = 12
    client_max_window_bits: int = 12
    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    threshold: int = 256

    @classmethod
    def from_value(cls, value: object) -> Compression | None:
        """Return the options for a value of the setting: True, False or a dictionary of options.

        None means no compression. Raises TypeError or ValueError for another value.
        """
        if isinstance(value, cls):
            return value
        if value is None or isinstance(value, bool):
            return cls() if value else None
        if not isinstance(value, Mapping):
            raise TypeError(f"expected True, False or a dictionary of options, not {value!r}")
        for name, option in value.items():
            _check_option(name, option)
        return cls(**value)


_RANGES = {
    "level": (0, 9),
    "memory_level": (1, 9),
    "server_max_window_bits": (9, 15),
    "client_max_window_bits": (9, 15),
    "threshold": (0, 2**31),
}


def _check_option(name: object, value: object) -> None:
    names = [field.name for field in fields(Compression)]
    if name not in names:
        raise ValueError(f"unknown option {name!r}; use any of: {', '.join(names)}")
    if name not in _RANGES:
        if not isinstance(value, bool):
            raise TypeError(f"expected {name} to be True or False, not {value!r}")
        return
    low, high = _RANGES[str(name)]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} must be an integer from {low} to {high}, not {value!r}")


# The negotiation, RFC 7692 §5 and §7.1


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreed parameters: the windows, and whether each is dropped after a message.

    ``header`` is the element of our ``Sec-WebSocket-Extensions`` that confirms them.
    """

    server_max_window_bits: int
    client_max_window_bits: int
    server_no_context_takeover: bool
    client_no_context_takeover: bool
    header: str


def negotiate(header: str, options: Compression) -> Agreement | None:
    """Accept the first offer of ``Sec-WebSocket-Extensions`` that can be accepted.

    Other extensions, and offers with unknown or invalid parameters, are declined (§5.1, §7.1).
    Raises :exc:`HandshakeRefused` (400) when the header is not a list of extensions.
    """
    for name, parameters in list(_parse_offers(header)):
        if name == NAME and parameters is not None:
            agreement = _accept(parameters, options)
            if agreement is not None:
                return agreement
    return None


def _parse_offers(header: str) -> Iterator[tuple[str, Parameters | None]]:
    """Yield each extension with its parameters, None when one of them is repeated.

    A value contains neither a comma nor a semicolon (RFC 6455 §9.1).
    """
    for element in header.split(","):
        if not element.strip():  # RFC 9110 §5.6.1: a recipient ignores empty elements of a list
            continue
        matches = [_PARAMETER.fullmatch(each.strip(" \t")) for each in element.split(";")]
        pairs = [(match[1].lower(), _unquote(match)) for match in matches if match]
        if len(pairs) != len(matches) or pairs[0][1] is not None:
            raise HandshakeRefused(
                400, f"Sec-WebSocket-Extensions must list extensions, not {element.strip()!r}."
            )
        parameters = dict(pairs[1:])
        yield pairs[0][0], parameters if len(parameters) == len(pairs) - 1 else None


def _unquote(match: re.Match[str]) -> str | None:
    return match[2] if match[3] is None else match[3].replace("\\", "")


def _accept(offer: Parameters, options: Compression) -> Agreement | None:
    """Return the agreement on an offer, or None to decline it.

    §7.1: decline it if it "contains an extension parameter not defined for use in an offer" or
    "an extension parameter with an invalid value".
    """
    flags = {"server_no_context_takeover", "client_no_context_takeover"}
    windows = {"server_max_window_bits", "client_max_window_bits"}
    if offer.keys() - flags - windows or any(offer.get(flag) is not None for flag in flags):
        return None
    server_bits = _server_window(offer, options)
    client_bits = _client_window(offer, options)
    if server_bits is None or client_bits is None:
        return None
    answer = [NAME]
    if "server_max_window_bits" in offer or server_bits < 15:
        answer.append(f"server_max_window_bits={server_bits}")
    if "client_max_window_bits" in offer:
        answer.append(f"client_max_window_bits={client_bits}")
    server_alone = options.server_no_context_takeover or "server_no_context_takeover" in offer
    client_alone = options.client_no_context_takeover or "client_no_context_takeover" in offer
    answer += ["server_no_context_takeover"] * server_alone
    answer += ["client_no_context_takeover"] * client_alone
    return Agreement(server_bits, client_bits, server_alone, client_alone, "; ".join(answer))


def _server_window(offer: Parameters, options: Compression) -> int | None:
    """Return the server's window, at most the one that the client offers (§7.1.2.1), or None."""
    if "server_max_window_bits" not in offer:
        return options.server_max_window_bits
    offered = _window_bits(offer["server_max_window_bits"])
    if offered is None or offered < 9:  # zlib makes no raw stream with a window of 256 bytes
        return None
    return min(options.server_max_window_bits, offered)


def _client_window(offer: Parameters, options: Compression) -> int | None:
    """Return the client's window, or None. §7.1.2.2: only one that is offered can be limited."""
    if "client_max_window_bits" not in offer:
        return 15
    value = offer["client_max_window_bits"]
    offered = 15 if value is None else _window_bits(value)
    return None if offered is None else min(options.client_max_window_bits, offered)


def _window_bits(value: str | None) -> int | None:
    """Read "a decimal integer value without leading zeroes between 8 to 15 inclusive"."""
    return int(value) if value in {"8", "9", "10", "11", "12", "13", "14", "15"} else None
