"""The picture: a panel for each workload, with a bar for the ratio of each server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

from .peers import PEERS
from .results import Row, Run, measured, rows_of
from .workloads import Workload

COLUMNS = 3
OWN, BASELINE, OTHER = "#0b7285", "#495057", "#ced4da"


def draw(runs: Sequence[Run], path: Path) -> None:
    """Write the picture as SVG or PNG, by the suffix of ``path``."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.fonttype"] = "none"  # text instead of outlines: a tenth of the size
    matplotlib.rcParams["svg.hashsalt"] = "c10kws"  # the same runs produce the same file
    from matplotlib import pyplot

    shown = {peer.name for peer in PEERS if not peer.extra}
    panels = [
        (workload, [row for row in rows_of(workload, runs) if row.ratio and row.server in shown])
        for workload in measured(runs)
        if not workload.extra
    ]
    panels = [(workload, rows) for workload, rows in panels if rows]
    if not panels:
        return
    columns = min(COLUMNS, len(panels))
    lines = -(-len(panels) // columns)
    figure, grid = pyplot.subplots(
        lines, columns, figsize=(5.6 * columns, 3.6 * lines), squeeze=False, layout="constrained"
    )
    places = list(grid.flat)
    for place, (workload, rows) in zip(places, panels, strict=False):
        draw_panel(place, workload, rows)
    for place in places[len(panels) :]:
        place.set_axis_off()
    metadata = {"Date": None} if path.suffix == ".svg" else None
    figure.savefig(path, metadata=metadata)
    pyplot.close(figure)


def draw_panel(axes: object, workload: Workload, rows: Sequence[Row]) -> None:
    """Draw one workload's bars, the first server at the top."""
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    ratios = [row.ratio for row in rows if row.ratio]
    axes.barh(
        [row.server for row in rows],
        [ratio.middle for ratio in ratios],
        xerr=[
            [ratio.middle - ratio.least for ratio in ratios],
            [ratio.most - ratio.middle for ratio in ratios],
        ],
        color=[colour(row.server, workload) for row in rows],
        error_kw={"elinewidth": 1, "ecolor": "#868e96", "capsize": 2},
    )
    for place, ratio in enumerate(ratios):
        axes.annotate(
            f" {ratio.middle:.2f}", (ratio.most, place), va="center", fontsize=8, color="#212529"
        )
    axes.axvline(1, color=BASELINE, linewidth=0.8, linestyle=":")
    axes.set_xlim(right=max(ratio.most for ratio in ratios) * 1.18)
    axes.invert_yaxis()
    better = "more" if workload.metric.higher_is_better else "less"
    axes.set_title(fill(workload.title, 60), fontsize=9, loc="left")
    label = f"{workload.metric.unit}, of {workload.baseline}'s; {better} is better"
    axes.set_xlabel(label, fontsize=8)
    axes.tick_params(labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def colour(server: str, workload: Workload) -> str:
    """Return the color of a bar."""
    if server == workload.baseline:
        return BASELINE
    return OWN if server.startswith("c10kws") else OTHER
