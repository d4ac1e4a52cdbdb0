"""Draws the paper's figure 1 for a model: distance against speed, one point for each N.

Reads the table that `training.judge` writes, which docs/models.md holds for the bundled model:
`python3 -m training.tradeoff docs/models.md docs/tradeoff.png`
"""

import argparse
import itertools
import math

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt  # noqa: E402 (the backend must be chosen first)

FLOOR = 'held-out renders'
# Where a label may stand, from its point, in points of a 72nd inch; the first free place is taken.
PLACES = ((0, 8), (0, -15), (26, 0), (-26, 0), (24, 12), (-24, 12), (24, -14), (-24, -14))


def read(path):
    """-> [(name, distance, pictures a second or None)] of the table in a Markdown document."""
    rows, columns = [], None
    with open(path, encoding='utf-8') as f:
        for line in f:
            cells = [cell.strip() for cell in line.strip().strip('|').split('|')]
            if 'Fréchet distance' in cells and 'pictures/s' in cells:
                columns = [cells.index(n) for n in ('pictures', 'Fréchet distance', 'pictures/s')]
            elif columns and not line.startswith('|'):
                break
            elif columns and not set(cells[0]) <= set('-: '):
                name, distance, speed = (cells[c] for c in columns)
                rows.append((name, float(distance), float(speed) if speed else None))
    if not rows:
        raise SystemExit(f'{path}: found no table with the columns of training.judge')
    return rows


def overlap(box, others):
    return any(box.overlaps(other) for other in others)


def label(figure, axes, points):
    """Writes each point's name nearer to it than to any other point, and clear of other names, of
    points and of the line.
    """
    renderer = figure.canvas.get_renderer()
    at = [axes.transData.transform(point[1:]) for point in points]
    steps = [i / 20 for i in range(21)]
    line = [a + (b - a) * t for a, b in itertools.pairwise(at) for t in steps]
    taken = [matplotlib.transforms.Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in at]
    taken += [matplotlib.transforms.Bbox.from_bounds(x - 1, y - 1, 2, 2) for x, y in line]
    for name, x, y in points:
        for place in PLACES:
            text = axes.annotate(
                name,
                (x, y),
                xytext=place,
                textcoords='offset points',
                ha='center',
                va='baseline' if place[1] else 'center',
                fontsize=9,
            )
            box = text.get_window_extent(renderer)
            middle = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
            nearest = min(at, key=lambda p: math.dist(p, middle))
            own = math.dist(nearest, axes.transData.transform((x, y))) < 1
            if own and not overlap(box, taken) and axes.bbox.containsx(box.x1):
                break
            text.remove()
        else:
            raise SystemExit(f'no room for the label {name}')
        taken.append(box)


def draw(rows, output):
    points = [(name, speed, distance) for name, distance, speed in rows if speed]
    figure, axes = plt.subplots(figsize=(7.2, 4.6), dpi=130)
    axes.plot([p[1] for p in points], [p[2] for p in points], 'o-', color='#2a6f97')
    for name, distance, _ in rows:
        if name == FLOOR:
            axes.axhline(distance, color='#888888', linestyle=':', label='two held-out sets')
    axes.set_ylim(0, 1.15 * max(p[2] for p in points))
    axes.margins(x=0.13)
    axes.set_xlabel('pictures per second (higher is better)')
    axes.set_ylabel('Fréchet distance to held-out renders (lower is better)')
    axes.set_title('vistas: quality against speed for N drafting steps')
    axes.legend(loc='upper left')
    axes.grid(alpha=0.3)
    figure.tight_layout()
    label(figure, axes, points)
    figure.savefig(output)
    plt.close(figure)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('table', help='a Markdown document with the table of training.judge')
    parser.add_argument('output', help='the picture to write')
    args = parser.parse_args()
    draw(read(args.table), args.output)
