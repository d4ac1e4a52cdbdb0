"""Chooses a model's sampling defaults by the judges.

Varies guidance, top-k, top-p, temperature and more-smooth, one after the other, and keeps a value
if both judges prefer its pictures to those of the best so far: a descent along coordinates. Every N
of `--steps` counts alike. Prints each setting with its distances and writes the table sampling.md.
`python3 -m training.sampling --tools build/tools --model models/vistas --out build/training`
"""

import os

from . import engine
from .judge import Judge, common_arguments

GRID = {
    'guidance': (1.5, 2, 3, 4, 5),
    'top-p': (0, 0.6, 0.7, 0.8, 0.9, 0.95),
    'top-k': (0, 30, 100, 300),
    'temperature': (0.8, 0.9, 1, 1.1),
    'more-smooth': (False, True),
}
START = {'guidance': 3, 'top-p': 0.8, 'top-k': 100, 'temperature': 1, 'more-smooth': False}


def options(setting):
    """As code-image's options."""
    words = []
    for name, value in setting.items():
        if value is True:
            words.append(f'--{name}')
        elif value is not False:
            words += [f'--{name}', str(value)]
    return words


def descend(grid, start, measure):
    """-> (best setting, [(setting, figures)]). `measure` gives a setting's figures, of which
    `distance` and `second` must both fall for a setting to be kept.
    """
    best, figures = dict(start), measure(start)
    rows = [(dict(start), figures)]
    for name, values in grid.items():
        others = [dict(best, **{name: v}) for v in values if v != best[name]]
        tried = [(setting, measure(setting)) for setting in others]
        rows += tried
        better = [
            (f['distance'], i)
            for i, (_, f) in enumerate(tried)
            if f['distance'] < figures['distance'] and f['second'] < figures['second']
        ]
        if better:
            best, figures = tried[min(better)[1]]
    return best, rows


def table(rows):
    names = list(rows[0][0])
    lines = [
        '| ' + ' | '.join(names) + ' | class accuracy | Fréchet distance | second judge |',
        '| ' + ' | '.join('---' for _ in range(len(names) + 3)) + ' |',
    ]
    for setting, f in rows:
        cells = [str(setting[name]).lower() for name in names]
        cells += [f'{100 * f["accuracy"]:.1f} %', f'{f["distance"]:.3f}', f'{f["second"]:.2f}']
        lines.append('| ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'


def main(args):
    judge = Judge(args)

    def measure(setting):
        found = [
            judge.figures(
                engine.generate(
                    args.tools, args.model, n, args.each, args.seed, args.batch, options(setting)
                )
            )
            for n in args.steps
        ]
        figures = {key: sum(f[key] for f in found) / len(found) for key in found[0]}
        print(table([(setting, figures)]).splitlines()[-1], flush=True)
        return figures

    best, rows = descend(GRID, START, measure)
    print(f'sampling: best {" ".join(options(best))}', flush=True)
    os.makedirs(args.out, exist_ok=True)
    with open(f'{args.out}/sampling.md', 'w') as f:
        f.write(table(rows))


def arguments():
    parser = common_arguments(__doc__)
    parser.add_argument('--steps', type=int, nargs='+', default=[8], help='the N to measure')
    return parser.parse_args()


if __name__ == '__main__':
    main(arguments())
