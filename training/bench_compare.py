"""codesrc and PyTorch side by side: measures both in one run, prints the tables of
docs/performance.md and draws its plot.

    python -m training.bench_compare --bench build/tools/code-bench --results out/bench.jsonl
    python -m training.bench_compare --results out/bench.jsonl --plot docs/performance-cpu.png

    python -m training.bench_compare --device cuda --bench build/tools/code-bench \\
        --results out/bench-cuda.jsonl

Without --bench it measures nothing, and shows what the results hold. Every figure is appended to
the results at once, so a run that is cut short can be printed."""

import argparse
import json
import os
import subprocess
import sys
import time

from training.bench_pytorch import CONFIGURATIONS, STAGES

# What is measured, in this order: what matters most comes first, and rivals follow each other.
OURS, THEIRS = 'codesrc', 'pytorch'
LIKELY = (
    'bf16-once',
    'bf16-packed',
    'bf16-compiled',
    'autocast-again',
    'autocast-packed',
    'autocast-compiled',
)
FULL = (
    (OURS, 'vistas', 'bf16', (5, 6, 7, 8), 1, 15),
    (OURS, 'vistas', 'int8', (8,), 1, 15),
    (OURS, 'vistas', 'f32', (8,), 1, 15),
    (THEIRS, 'vistas', CONFIGURATIONS, (8,), (1,), 7),
    (OURS, 'official', 'bf16', (8, 6, 10), 1, 3),
    (OURS, 'official', 'int8', (8, 6, 10), 1, 3),
    (THEIRS, 'official', LIKELY, (8, 6), (1,), 3),
    (OURS, 'd16', 'bf16', (10,), 1, 3),
    (OURS, 'd16', 'int8', (10,), 1, 3),
    (THEIRS, 'd16', LIKELY, (10,), (1,), 3),
    (OURS, 'vistas', 'bf16', (8,), 2, 7),
    (OURS, 'vistas', 'bf16', (8,), 4, 7),
    (OURS, 'vistas', 'bf16', (8,), 8, 5),
    (OURS, 'vistas', 'bf16', (8,), 16, 3),
    (OURS, 'd16', 'f32', (10,), 1, 3),
    (THEIRS, 'd16', ('f32-again', 'f32-once', 'f32-packed', 'bf16-again'), (10,), (1,), 3),
    (OURS, 'official', 'f32', (8, 6), 1, 3),
    (THEIRS, 'official', ('f32-packed', 'bf16-again'), (8, 6), (1,), 3),
    (OURS, 'official', 'bf16', (7, 9), 1, 3),
)
QUICK = (
    (OURS, 'tiny', 'f32', (2,), 1, 3),
    (OURS, 'tiny', 'f32', (2,), 4, 3),
    (THEIRS, 'tiny', ('f32-once', 'f32-packed'), (2,), (1, 4), 3),
)


# On a GPU: pictures as they are drawn where nobody looks, which has graphs and overlaps calls; the
# transformers alone; and stages, one operation after the other. Rivals: as published, and as fast
# as PyTorch gets.
GPU = tuple(
    job
    for batch, runs in ((1, 20), (8, 10), (64, 5))
    for job in (
        (OURS, 'official', 'f16-whole', (6, 8, 10), batch, runs),
        (OURS, 'official', 'f16-transformers', (6, 8, 10), batch, runs),
        (OURS, 'official', 'f16', (6, 8, 10), batch, runs),
        (THEIRS, 'official', ('autocast16-again', 'bf16-compiled'), (6, 8, 10), (batch,), runs),
    )
)
EXTRA = {'whole': ['--whole'], 'transformers': ['--whole', '--no-pictures'], '': []}


def objects(text):
    """The JSON objects of a text, one after the other."""
    decoder, at = json.JSONDecoder(), 0
    while (at := at + len(text[at:]) - len(text[at:].lstrip())) < len(text):
        value, at = decoder.raw_decode(text, at)
        yield value


def run_ours(bench, device, shape, configuration, steps, batch, runs):
    precision, _, extra = configuration.partition('-')
    # The bundled model for its own shape: figures of what users run.
    command = [bench, '--json', '--model' if shape == 'vistas' else '--shape', shape]
    command += ['--precision', precision, '--batch', str(batch), '--runs', str(runs)]
    command += ['--device', device, *EXTRA[extra]]
    for n in steps:
        command += ['--drafting-steps', str(n)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    for line in objects(done.stdout):
        line['configuration'] = configuration
        yield line


def run_theirs(device, shape, configurations, steps, batches, runs):
    command = [
        sys.executable,
        '-m',
        'training.bench_pytorch',
        '--shape',
        shape,
        '--runs',
        str(runs),
        '--device',
        device,
    ]
    command += ['--configurations', *configurations, '--batch', *map(str, batches)]
    command += ['--drafting-steps', *map(str, steps)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        yield json.loads(line)
    process.wait()


def measure(jobs, bench, device, results):
    os.makedirs(os.path.dirname(os.path.abspath(results)), exist_ok=True)
    begin = time.time()
    with open(results, 'a') as file:
        for engine, shape, *rest in jobs:
            if engine == OURS:
                lines = run_ours(bench, device, shape, *rest)
            else:
                lines = run_theirs(device, shape, *rest)
            for line in lines:
                line['engine'], line['shape'] = engine, shape
                file.write(json.dumps(line) + '\n')
                file.flush()
                print(
                    f"{time.time() - begin:5.0f} s  {engine} {shape} {line['configuration']} N = "
                    f"{line['drafting_steps']}, batch {line['batch']}: {line['total_ms']:.0f} ms",
                    file=sys.stderr,
                )


def read(results):
    """{(engine, shape, N, batch): {configuration: line}}. What was measured again, as something
    else kept the machine busy, counts as the better of both."""
    table = {}
    with open(results) as file:
        for line in map(json.loads, file):
            key = line['engine'], line['shape'], line['drafting_steps'], line['batch']
            kept = table.setdefault(key, {}).setdefault(line['configuration'], line)
            if line['total_ms'] < kept['total_ms']:
                table[key][line['configuration']] = line
    return table


def figure(number):
    return f'{number:.0f}' if number >= 100 else f'{number:.3g}'


def row(*cells):
    print('| ' + ' | '.join(cells) + ' |')


def stages(line):
    return [figure(line[stage + '_ms']) for stage in STAGES]


def fastest(lines):
    return min(lines.values(), key=lambda line: line['total_ms'])


def print_comparison(table):
    row(
        'work',
        'precision',
        'codesrc, ms',
        'least',
        'of peak',
        'PyTorch, ms',
        'least',
        'ratio',
        'of least',
    )
    row(*['---'] * 9)
    for (engine, shape, n, batch), lines in sorted(table.items()):
        rivals = table.get((THEIRS, shape, n, batch))
        if engine == THEIRS or not rivals:
            continue
        best = fastest(rivals)
        if any(round(line['flops'] / best['flops'], 6) != 1 for line in lines.values()):
            print(f'{shape}: the two do not compute the same', file=sys.stderr)
        quickest = min(line['total_ms_min'] for line in rivals.values())
        for line in lines.values():
            row(
                f'{shape}, N = {n}' + (f', batch {batch}' if batch > 1 else ''),
                line['configuration'],
                figure(line['total_ms']),
                figure(line['total_ms_min']),
                f"{100 * (line['peak_fraction'] or 0):.0f} %",
                f"{figure(best['total_ms'])} ({best['configuration']})",
                figure(quickest),
                f"{best['total_ms'] / line['total_ms']:.2f}",
                f"{quickest / line['total_ms_min']:.2f}",
            )


def print_stages(table):
    row(
        'work',
        'configuration',
        'all, ms',
        *STAGES,
        'pictures a second',
        'resident, MB',
        'planned, MB',
    )
    row(*['---'] * 10)
    for (engine, shape, n, batch), lines in sorted(table.items()):
        for line in lines.values():
            row(
                f'{engine} {shape}, N = {n}, batch {batch}',
                line['configuration'],
                figure(line['total_ms']),
                *stages(line),
                figure(line['pictures_per_second']),
                *(
                    f'{line[key] / 1e6:.0f}' if line.get(key) else ''
                    for key in ('peak_bytes', 'planned_bytes')
                ),
            )


def print_ratios(table):
    """Time of the transformers of the drafter alone, against CoDe's."""
    row('precision', 'compared', 'transformers, ms', 'ratio')
    row(*['---'] * 4)
    alone = table.get((OURS, 'official', 10, 1), {})
    for n in range(6, 10):
        for name, line in table.get((OURS, 'official', n, 1), {}).items():
            if name in alone:
                times = [sum(x[s + '_ms'] for s in STAGES[:3]) for x in (alone[name], line)]
                row(
                    name,
                    f'N = 10 / N = {n}',
                    f'{times[0]:.0f} / {times[1]:.0f}',
                    f'{times[0] / times[1]:.2f}',
                )


def plot(table, path):
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout='constrained')
    colours = 'C0', 'C1', 'C2', 'C3'
    lines = {n: table.get((OURS, 'official', n, 1), {}).get('bf16') for n in range(1, 11)}
    lines = {n: line for n, line in lines.items() if line}
    below = [0.0] * len(lines)
    for stage, colour in zip(STAGES, colours):
        seconds = [1e-3 * line[stage + '_ms'] for line in lines.values()]
        left.bar([str(n) for n in lines], seconds, bottom=below, label=stage, color=colour)
        below = [a + b for a, b in zip(below, seconds)]
    left.set(
        title='official, bf16, batch 1', xlabel='N, drafting steps', ylabel='seconds a picture'
    )
    left.legend()
    keys = sorted(key[3] for key in table if key[:3] == (OURS, 'vistas', 8))
    points = [(b, table[OURS, 'vistas', 8, b].get('bf16')) for b in keys]
    points = [(str(b), line['pictures_per_second']) for b, line in points if line]
    right.plot(*zip(*points), 'o-', color='C0')
    right.set(title='vistas, N = 8, bf16', xlabel='batch', ylabel='pictures a second')
    right.set_ylim(0, 1.15 * max(speed for _, speed in points))
    figure.savefig(path, dpi=110)


def chosen(jobs, args):
    """The jobs that the arguments leave, with the configurations that they leave."""
    for engine, shape, configurations, *rest in jobs:
        wanted = (configurations,) if engine == OURS else configurations
        wanted = [c for c in wanted if not args.configurations or c in args.configurations]
        if (args.only and shape not in args.only) or args.engine not in (None, engine):
            continue
        if wanted:
            yield engine, shape, wanted[0] if engine == OURS else wanted, *rest


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--bench', help='path of code-bench: measure, too')
    parser.add_argument(
        '--results', default='out/bench.jsonl', help='JSON lines, read and appended to'
    )
    parser.add_argument('--device', choices=('cpu', 'cuda'), default='cpu')
    parser.add_argument('--quick', action='store_true', help='a tiny shape only, to try the script')
    parser.add_argument('--only', nargs='+', help='of these shapes only')
    parser.add_argument('--engine', choices=(OURS, THEIRS), help='of this side only')
    parser.add_argument(
        '--configurations', nargs='+', help='of these precisions or configurations only'
    )
    parser.add_argument('--plot', help='PNG: time against N, speed against batch')
    args = parser.parse_args()
    if args.bench:
        jobs = QUICK if args.quick else GPU if args.device == 'cuda' else FULL
        measure(chosen(jobs, args), args.bench, args.device, args.results)
    table = read(args.results)
    for print_table in (print_comparison, print_ratios, print_stages):
        print_table(table)
        print()
    if args.plot:
        plot(table, args.plot)


if __name__ == '__main__':
    main()
