"""Judges a model: the engine draws, a classifier trained on rendered pictures looks.

For every N and for the reconstruction alone: class accuracy of the pictures, and the Frechet
distance of their features to those of held-out renders; the distance between two held-out sets is
the floor. Writes a markdown table and the curve. `python3 -m training.judge --tools build/tools
--model models/vistas --out docs`
"""

import argparse
import os

import matplotlib
import numpy as np

from . import classifier, engine, settings
from .draw import draw
from .train_joint import reconstruct

matplotlib.use('Agg')
import matplotlib.pyplot as plt  # noqa: E402 (the backend must be chosen first)

SEEDS = 600_000, 700_000  # of the two held-out sets


class Judge:
    def __init__(self, args):
        self.args, self.count = args, args.each * settings.CLASSES
        self.kinds = np.arange(self.count) % settings.CLASSES
        self.model = classifier.train(args)
        sets = [
            draw(f'{args.work}/judge_{self.count}_{s}.npy', self.count, s, args.workers)
            for s in SEEDS
        ]
        self.held_out = np.asarray(sets[0])
        looks = [classifier.look(self.model, s, args.device) for s in sets]
        self.reference = looks[0][0]
        self.own = float(np.mean([(k == self.kinds).mean() for _, k in looks]))
        self.floor = classifier.frechet(looks[0][0], looks[1][0])

    def figures(self, pictures):
        features, kinds = classifier.look(self.model, pictures, self.args.device)
        return dict(
            accuracy=float((kinds == self.kinds).mean()),
            distance=classifier.frechet(features, self.reference),
        )


def cell(value, form):
    return '' if value is None else format(value, form)


def table(rows):
    lines = [
        '| pictures | class accuracy | Fréchet distance | pictures/s | transformers, ms '
        '| planned memory, MiB |',
        '| --- | --- | --- | --- | --- | --- |',
    ]
    for r in rows:
        lines.append(
            f'| {r["name"]} | {100 * r["accuracy"]:.1f} % | {r["distance"]:.3f} '
            f'| {cell(r.get("speed"), ".1f")} | '
            f'{cell(r.get("transformers"), ".1f")} | {cell(r.get("memory"), ".1f")} |'
        )
    return '\n'.join(lines) + '\n'


def plot(rows, floor, path):
    """The paper's figure 1 for this model: distance against speed, one point for each N."""
    rows = [r for r in rows if r.get('speed')]
    figure, axes = plt.subplots(figsize=(6.4, 4.2), dpi=130)
    axes.plot([r['speed'] for r in rows], [r['distance'] for r in rows], 'o-', color='#2a6f97')
    for r in rows:
        axes.annotate(
            r['name'],
            (r['speed'], r['distance']),
            textcoords='offset points',
            xytext=(5, 6),
            fontsize=9,
        )
    axes.axhline(floor, color='#888888', linestyle=':', label='two held-out sets')
    axes.set_xlabel('pictures per second')
    axes.set_ylabel('Fréchet distance to held-out renders')
    axes.set_title('vistas: quality against speed for N drafting steps')
    axes.legend()
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path)


def main(args):
    judge = Judge(args)
    print(
        f'judge: held-out accuracy of the classifier {100 * judge.own:.2f} %, '
        f'floor {judge.floor:.4f}',
        flush=True,
    )
    rows = [
        dict(name='held-out renders', accuracy=judge.own, distance=judge.floor),
        dict(name='reconstruction', **judge.figures(reconstruct(args, judge.held_out)[0])),
    ]
    print(table(rows[1:]).splitlines()[-1], flush=True)
    for steps in args.steps:
        pictures = engine.generate(
            args.tools, args.model, steps, args.each, args.seed, args.batch
        )
        speed = engine.speed(args.tools, args.model, steps)
        rows.append(dict(name=f'N = {steps}', **judge.figures(pictures), **speed))
        print(table(rows[-1:]).splitlines()[-1], flush=True)
    os.makedirs(args.out, exist_ok=True)
    plot(rows, judge.floor, f'{args.out}/tradeoff.png')
    with open(f'{args.out}/tradeoff.md', 'w') as f:
        f.write(table(rows))


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--work', default='build/training')
    parser.add_argument(
        '--tools', default='build/tools', help='folder of code-image and code-model'
    )
    parser.add_argument('--model', default='models/vistas')
    parser.add_argument('--out', default='docs')
    parser.add_argument('--steps', type=int, nargs='+', default=list(range(1, 11)))
    parser.add_argument('--each', type=int, default=100, help='pictures of each kind')
    parser.add_argument('--batch', type=int, default=4)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--workers', type=int, default=os.cpu_count())
    return parser.parse_args()


if __name__ == '__main__':
    main(arguments())
