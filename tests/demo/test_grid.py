"""The pure parts of the Game of Life: rule, grid, patterns and messages."""

from __future__ import annotations

import pytest

from demo.gameoflife import plaintext
from demo.gameoflife.grid import MAX_SIZE, names, neighbours, place, random_grid
from demo.gameoflife.messages import MAX_MESSAGE, Refusal, check_name, parse_names, parse_state
from demo.gameoflife.meter import Meter
from demo.gameoflife.picture import Picture
from demo.gameoflife.rules import lives
from tests.support.games import next_step

# The rule


def test_the_rule() -> None:
    assert [lives(True, count) for count in range(9)] == [False] * 2 + [True] * 2 + [False] * 5
    assert [lives(False, count) for count in range(9)] == [False] * 3 + [True] + [False] * 5


# The grid


def test_names_are_rows_and_columns() -> None:
    assert list(names(2)) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_neighbours_in_the_middle() -> None:
    around = {(0, 1), (0, 2), (0, 3), (1, 1), (1, 3), (2, 1), (2, 2), (2, 3)}
    for wrap in (True, False):
        assert set(neighbours((1, 2), 4, wrap=wrap)) == around


def test_neighbours_at_a_corner() -> None:
    around = {(3, 3), (3, 0), (3, 1), (0, 3), (0, 1), (1, 3), (1, 0), (1, 1)}
    assert set(neighbours((0, 0), 4, wrap=True)) == around
    assert set(neighbours((0, 0), 4, wrap=False)) == {(0, 1), (1, 0), (1, 1)}


@pytest.mark.parametrize("size", [3, 4, 7])
@pytest.mark.parametrize("wrap", [True, False])
def test_neighbours_are_mutual(size: int, wrap: bool) -> None:
    for name in names(size):
        around = neighbours(name, size, wrap=wrap)
        assert len(around) == len(set(around)) and name not in around
        assert all(name in neighbours(other, size, wrap=wrap) for other in around)


def test_a_pattern_goes_into_the_middle_or_the_corner() -> None:
    bar = {(0, 0), (0, 1), (0, 2)}
    assert place(bar, 5, centre=True) == {(2, 1), (2, 2), (2, 3)}
    assert place(bar, 5, centre=False) == bar
    assert place(set(), 5, centre=True) == set()
    assert place(bar, 3, centre=True) == {(1, 0), (1, 1), (1, 2)}


def test_a_pattern_that_is_too_large() -> None:
    with pytest.raises(ValueError, match=r"1 rows and 5 columns\. Choose a size of at least 5\."):
        place({(0, 4)}, 4, centre=True)


def test_a_random_grid_is_the_same_for_the_same_seed() -> None:
    assert random_grid(20, 1) == random_grid(20, 1) != random_grid(20, 2)
    assert 0 < len(random_grid(20, 1)) < 400


# Patterns


@pytest.mark.parametrize("name", plaintext.known())
def test_every_pattern_loads_and_fits(name: str) -> None:
    living = plaintext.read(name)
    assert living
    assert len(place(living, 40, centre=True)) == len(living)


def test_well_known_patterns_exist() -> None:
    famous = {"acorn", "glider", "gosper-glider-gun", "lightweight-spaceship", "pulsar"}
    assert famous | {"r-pentomino"} <= set(plaintext.known())


def test_the_ancestors_names_of_patterns_are_known() -> None:
    names = {"beacon", "glider", "gosper", "hwss", "lwss", "mwss", "pulsar", "toad"}
    assert names <= set(plaintext.known())
    assert plaintext.read("gosper") == plaintext.read("gosper-glider-gun")
    assert plaintext.read("lwss") == plaintext.read("lightweight-spaceship")


@pytest.mark.parametrize(
    ("name", "period", "moved"),
    [
        ("block", 1, (0, 0)),
        ("blinker", 2, (0, 0)),
        ("toad", 2, (0, 0)),
        ("beacon", 2, (0, 0)),
        ("pulsar", 3, (0, 0)),
        ("glider", 4, (1, 1)),
        ("lwss", 4, (0, -2)),
        ("mwss", 4, (0, -2)),
        ("hwss", 4, (0, -2)),
    ],
)
def test_patterns_do_what_they_are_famous_for(
    name: str, period: int, moved: tuple[int, int]
) -> None:
    living = begun = place(plaintext.read(name), 24, centre=True)
    for _ in range(period):
        living = next_step(living, 24, wrap=True)
    assert living == {(row + moved[0], column + moved[1]) for row, column in begun}


def test_the_pentadecathlon_repeats_after_15_steps() -> None:
    living = place(plaintext.read("pentadecathlon"), 24, centre=True)
    seen = []
    for _ in range(40):
        seen.append(living)
        living = next_step(living, 24, wrap=True)
    assert seen[20] == seen[35] and seen[20] not in seen[21:35]


def test_the_gun_sends_a_glider_every_30_steps() -> None:
    living = place(plaintext.read("gosper-glider-gun"), 60, centre=False)
    counts = []
    for step in range(121):
        if step % 30 == 0:
            counts.append(len(living))
        living = next_step(living, 60, wrap=False)
    assert counts == [36, 41, 46, 51, 56]


def test_diehard_dies_after_130_steps() -> None:
    living = place(plaintext.read("diehard"), 40, centre=True)
    for _ in range(129):
        living = next_step(living, 40, wrap=False)
    assert living and not next_step(living, 40, wrap=False)


def test_plaintext_is_read_and_written() -> None:
    living = plaintext.parse("! a remark\n.O\n\nO.  \n!O\n")
    assert living == {(0, 1), (2, 0)}
    assert plaintext.render(living, 3) == ".O.\n...\nO..\n"
    assert plaintext.parse(plaintext.render(living, 3)) == living


def test_invalid_patterns_raise() -> None:
    with pytest.raises(ValueError, match=r"Line 2: '\.o' has characters other than '\.' and 'O'"):
        plaintext.parse(".O\n.o\n")
    with pytest.raises(ValueError, match=r"'nonsense'\. Use a file or one of acorn, "):
        plaintext.read("nonsense")


# The relay's messages


def test_messages() -> None:
    assert parse_names("0,0 0,1 99,7") == {(0, 0), (0, 1), (99, 7)}
    assert parse_names("1,2") == {(1, 2)}
    assert parse_state("12 1") == (12, "1")


def test_the_longest_message_is_within_the_limit() -> None:
    longest = " ".join(f"{MAX_SIZE - 1},{number}" for number in range(90, 98))
    assert len(parse_names(longest)) == 8
    assert len(longest) <= MAX_MESSAGE


@pytest.mark.parametrize("parse", [parse_names, parse_state])
@pytest.mark.parametrize(
    "message",
    [
        *("", " ", "\n", "\0", "x", "1", "1,2\n", "0 1\n", "１,2", "１ 1", "-1,0", "-1 0", "100,0"),
        *("0 10", "1" * 10 + " 1", "0,0  0,1", " ".join(["0,0"] * 9), "🐍" * 20, b"0 1", b"0,0"),
    ],
)
def test_invalid_messages_are_refused(parse: object, message: str | bytes) -> None:
    with pytest.raises(Refusal) as refused:
        parse(message)  # type: ignore[operator]
    assert refused.value.code == 4400
    assert len(refused.value.reason.encode()) <= 123


def test_names_are_inside_the_largest_grid() -> None:
    check_name((99, 99))
    for name in ((100, 0), (0, 10**30)):
        with pytest.raises(Refusal, match="below 100"):
            check_name(name)


# Figures and picture


def test_the_meter_counts_whole_seconds() -> None:
    now = 0.0
    meter = Meter(lambda: now)
    meter.add(2)
    meter.add(3)
    assert meter.rate == 0
    now = 1.5
    meter.add(1)
    assert meter.rate == 5
    now = 2.0
    assert meter.rate == 1
    now = 3.0
    assert meter.rate == 0
    meter.add(7)
    now = 9.0
    assert meter.rate == 0


def test_the_picture_grows_and_counts_cells() -> None:
    picture = Picture()
    assert picture.as_json(rate=0) == '{"step":0,"said":0,"rows":[],"rate":0}'
    picture.paint((1, 2), "1")
    picture.paint((0, 1), "0")
    for step in (0, 0, 1, 0):
        picture.count(step)
    assert picture.as_json() == '{"step":1,"said":1,"rows":[" 0","  1"]}'
