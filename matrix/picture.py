"""The picture of a pair: response times, from the fastest to the slowest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .results import Pair, django_of, python_of

#: Colors that differ for color-blind readers, and on paper.
STYLES = (("#0b7285", "-"), ("#e8590c", "--"), ("#495057", ":"))


def draw_all(pairs: Sequence[Pair], requests: int, folder: Path) -> None:
    """Write ``folder/NAME.svg`` for each pair that was measured; all have the same scale."""
    measured = [pair for pair in pairs if pair["times"]]
    top = max((line[-1] for pair in measured for line in pair["times"].values()), default=0)
    for pair in measured:
        title = f"{python_of(pair['name'])}, {django_of(pair['name'])}"
        draw(pair["times"], title, requests, top * 1.05, folder / f"{pair['name']}.svg")


def draw(
    times: Mapping[str, Sequence[float]], title: str, requests: int, top: float, path: Path
) -> None:
    """Draw a line for each path."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.fonttype"] = "none"  # text instead of outlines: a tenth of the size
    matplotlib.rcParams["svg.hashsalt"] = "c10kws"  # the same results produce the same file
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3.6), layout="constrained")
    for (name, line), (colour, style) in zip(times.items(), STYLES, strict=True):
        places = [place * requests / (len(line) - 1) for place in range(len(line))]
        axes.plot(places, line, color=colour, linestyle=style, linewidth=1.8, label=name)
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel("answers, the quickest first", fontsize=9)
    axes.set_ylabel("response time, ms", fontsize=9)
    axes.set_xlim(0, requests)
    axes.set_ylim(0, top)
    axes.grid(color="#dee2e6", linewidth=0.6)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=9, loc="upper left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
