"""Judges a model: the engine draws, a classifier trained on rendered pictures looks.

For every N and for the reconstruction alone: class accuracy of the pictures, and the Frechet
distance of their features to those of held-out renders; the distance between two held-out sets is
the floor. A second judge, which no training has seen, measures a distance of its own. Writes the
table tradeoff.md and its curve tradeoff.png. For one N (`--kinds-of`) the same for each of the 16
kinds: the table kinds.md, the worst three in bold, and kinds.png, four pictures of each that
nobody chose. With few pictures a kind, covariances are coarse and every distance is too large: the
column "of held-out renders" has what two sets of true renders come to. `python3 -m training.judge
--tools build/tools --model models/vistas --out docs`
"""

import argparse
import os

import numpy as np
from PIL import Image

from . import classifier, engine, settings, tradeoff
from .draw import draw
from .pictures import KINDS, sheet
from .second_judge import SecondJudge, agreement
from .train_joint import reconstruct

SHOWN = 4  # pictures of each kind on the sheet
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
        self.reference, self.other = looks[0][0], looks[1][0]
        self.own = float(np.mean([(k == self.kinds).mean() for _, k in looks]))
        self.floor = classifier.frechet(self.reference, self.other)
        self.second = SecondJudge(self.held_out)
        self.second_floor = self.second.distance(self.second.features(np.asarray(sets[1])))

    def figures(self, pictures):
        features, kinds = classifier.look(self.model, pictures, self.args.device)
        return dict(
            accuracy=float((kinds == self.kinds).mean()),
            distance=classifier.frechet(features, self.reference),
            second=self.second.distance(self.second.features(pictures)),
        )

    def by_kind(self, pictures):
        """-> [{figure: value}], one for each kind; `floor` is of two held-out sets."""
        features, kinds = classifier.look(self.model, pictures, self.args.device)
        second, found = self.second.features(pictures), []
        for k, name in enumerate(KINDS):
            which = self.kinds == k
            found.append(
                dict(
                    kind=name,
                    accuracy=float((kinds[which] == k).mean()),
                    distance=classifier.frechet(features[which], self.reference[which]),
                    floor=classifier.frechet(self.other[which], self.reference[which]),
                    second=self.second.distance(second, which),
                )
            )
        return found


def cell(value, form):
    return '' if value is None else format(value, form)


def table(rows):
    lines = [
        '| pictures | class accuracy | Fréchet distance | second judge | pictures/s '
        '| transformers, ms | planned memory, MiB |',
        '| --- | --- | --- | --- | --- | --- | --- |',
    ]
    for r in rows:
        lines.append(
            f'| {r["name"]} | {100 * r["accuracy"]:.1f} % | {r["distance"]:.3f} '
            f'| {r["second"]:.2f} | {cell(r.get("speed"), ".1f")} | '
            f'{cell(r.get("transformers"), ".1f")} | {cell(r.get("memory"), ".1f")} |'
        )
    return '\n'.join(lines) + '\n'


def kind_table(figures):
    """figures: Judge.by_kind's. The three worst kinds are set in bold."""
    worst = {f['kind'] for f in sorted(figures, key=lambda f: -f['distance'])[:3]}
    lines = [
        '| kind | class accuracy | Fréchet distance | of held-out renders | second judge |',
        '| --- | --- | --- | --- | --- |',
    ]
    for f in figures:
        name = f'**{f["kind"]}**' if f['kind'] in worst else f['kind']
        lines.append(
            f'| {name} | {100 * f["accuracy"]:.0f} % | {f["distance"]:.3f} | {f["floor"]:.3f} '
            f'| {f["second"]:.1f} |'
        )
    return '\n'.join(lines) + '\n'


def kind_sheet(pictures, path):
    """The first four pictures of every kind, not chosen, two kinds a row, at full size."""
    tiles = [
        pictures[k + i * settings.CLASSES]
        for k in range(settings.CLASSES)
        for i in range(min(SHOWN, len(pictures) // settings.CLASSES))
    ]
    Image.fromarray(sheet(tiles, 2 * len(tiles) // settings.CLASSES)).save(path)


def report_kinds(judge, pictures, args):
    figures = judge.by_kind(pictures)
    with open(f'{args.out}/kinds.md', 'w') as f:
        f.write(kind_table(figures))
    kind_sheet(pictures, f'{args.out}/kinds.png')
    distances = [f['distance'] for f in figures]
    worst = sorted(figures, key=lambda f: -f['distance'])[:3]
    print(kind_table(figures), end='')
    print(
        f'judge: worst kinds {", ".join(f["kind"] for f in worst)}; the worst is '
        f'{max(distances) / np.median(distances):.2f} times the median kind; the judges order '
        f'{100 * agreement(distances, [f["second"] for f in figures]):.0f} % of the pairs alike',
        flush=True,
    )


def main(args):
    judge = Judge(args)
    print(
        f'judge: held-out accuracy of the classifier {100 * judge.own:.2f} %, '
        f'floor {judge.floor:.4f}, of the second judge {judge.second_floor:.3f}',
        flush=True,
    )
    rows = [
        dict(
            name=tradeoff.FLOOR,
            accuracy=judge.own,
            distance=judge.floor,
            second=judge.second_floor,
        ),
        dict(name='reconstruction', **judge.figures(reconstruct(args, judge.held_out)[0])),
    ]
    print(table(rows[1:]).splitlines()[-1], flush=True)
    os.makedirs(args.out, exist_ok=True)
    for steps in args.steps:
        pictures = engine.generate(
            args.tools, args.model, steps, args.each, args.seed, args.batch
        )
        speed = {} if args.no_speed else engine.speed(args.tools, args.model, steps)
        rows.append(dict(name=f'N = {steps}', **judge.figures(pictures), **speed))
        print(table(rows[-1:]).splitlines()[-1], flush=True)
        if steps == args.kinds_of:
            report_kinds(judge, pictures, args)
    with open(f'{args.out}/tradeoff.md', 'w') as f:
        f.write(table(rows))
    if not args.no_speed:
        points = [(r['name'], r['distance'], r.get('speed')) for r in rows]
        tradeoff.draw(points, f'{args.out}/tradeoff.png')
    drawn = rows[2:]
    if len(drawn) > 1:
        share = agreement([r['distance'] for r in drawn], [r['second'] for r in drawn])
        print(f'judge: both judges order {100 * share:.0f} % of the pairs of N alike', flush=True)


def common_arguments(description):
    """The options that all who ask the judges have."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--work', default='build/training')
    parser.add_argument(
        '--tools', default='build/tools', help='folder of code-image and code-model'
    )
    parser.add_argument('--model', default='models/vistas')
    parser.add_argument('--out', default='docs')
    parser.add_argument('--each', type=int, default=100, help='pictures of each kind')
    parser.add_argument('--batch', type=int, default=4)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--workers', type=int, default=os.cpu_count())
    return parser


def arguments():
    parser = common_arguments(__doc__)
    parser.add_argument('--steps', type=int, nargs='+', default=list(range(1, 11)))
    parser.add_argument(
        '--kinds-of', type=int, default=8, help='the N, one of --steps, that is judged kind by kind'
    )
    parser.add_argument(
        '--no-speed', action='store_true', help='measure no speed and draw no curve: a busy machine'
    )
    return parser.parse_args()


if __name__ == '__main__':
    main(arguments())
