"""Find words of a figure that touch each other or leave the page."""

from __future__ import annotations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

CLOSE = 1.5
"""pixels by which the boxes of two texts may overlap: a box is higher than its letters"""


def touching(figure: Figure) -> list[str]:
    """Return a sentence for each pair of texts that touch, and for each text that is cut off."""
    pen = FigureCanvasAgg(figure).get_renderer()
    figure.draw(pen)
    hidden = _not_drawn(figure)
    boxes: list[tuple[str, Bbox]] = []
    for text in figure.findobj(Text):
        words = text.get_text().strip()
        if words and text.get_visible() and id(text) not in hidden:
            boxes.append((words, text.get_window_extent(pen)))
    width, height = figure.bbox.width, figure.bbox.height
    found = [f"{words!r} is cut off" for words, box in boxes if not _within(box, width, height)]
    for place, (words, box) in enumerate(boxes):
        for others, other in boxes[place + 1 :]:
            across = min(box.x1, other.x1) - max(box.x0, other.x0)
            if across > CLOSE and min(box.y1, other.y1) - max(box.y0, other.y0) > CLOSE:
                found.append(f"{words!r} touches {others!r}")
    return found


def _within(box: Bbox, width: float, height: float) -> bool:
    return bool(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height)


def _not_drawn(figure: Figure) -> set[int]:
    """Return the texts of axes that are switched off, and labels of ticks beyond the ends of an axis."""
    hidden: set[int] = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            if not axes.axison:
                hidden.add(id(axis.label))
            for tick in (*axis.majorTicks, *axis.minorTicks):
                if not (axes.axison and low <= tick.get_loc() <= high):
                    hidden |= {id(tick.label1), id(tick.label2)}
    return hidden
