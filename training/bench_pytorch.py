"""Times the shapes that code-bench times, in PyTorch: one JSON line for each configuration.

A configuration is a precision (`f32`; `autocast`: bfloat16 products, float32 elsewhere;
`autocast16`: the same with float16, for GPUs; `bf16`: all in bfloat16), eager PyTorch with
modulations computed `again` at every scale, as the public code does, or `once` a class, before the
measurement begins; the same with weights of the blocks `packed` in oneDNN's layout; or
torch.compile (`compiled`), modulations once."""

import argparse
import json
import os
import statistics
import sys

import torch

from training.bench_model import PRECISIONS, Decoder
from training.synthetic import SHAPES, decoder_tensors, operations, synthetic, var_tensors

MODES = 'again', 'once', 'packed', 'compiled'
DEVICES = {
    'cpu': ('f32', 'autocast', 'bf16'),
    'cuda': ('f32', 'autocast16', 'bf16'),
}
CONFIGURATIONS = [f'{precision}-{mode}' for precision in PRECISIONS for mode in MODES]
STAGES = 'drafter', 'handover', 'refiner', 'vae'


def build(shape, threads):
    """Seeds: VQ-VAE 1, drafter 2, refiner 3."""
    tensors = {'vae': decoder_tensors(shape)}
    for role in ('drafter', 'refiner'):
        if role in shape:
            tensors[role] = var_tensors(shape, shape[role])
    return {
        part: {
            name: torch.from_numpy(values)
            for name, values in synthetic(dims, seed, threads).items()
        }
        for seed, (part, dims) in enumerate(tensors.items(), 1)
    }


def sensible(configuration, device):
    precision, mode = configuration.split('-')
    return precision in DEVICES[device] and not (device == 'cuda' and mode == 'packed')


def convert(weights, dtype):
    """In place, tensor by tensor: two copies of a large model would not fit."""
    for part in weights.values():
        for name in part:
            part[name] = part[name].to(dtype)


def report(name, configuration, steps, batch, runs, device='cpu'):
    """runs: of each call, the seconds of its stages."""
    totals = [sum(run) for run in runs]
    line = {
        'model': name,
        'configuration': configuration,
        'threads': torch.get_num_threads(),
        'device': torch.cuda.get_device_name() if device == 'cuda' else 'cpu',
        'drafting_steps': steps,
        'batch': batch,
        'runs': len(runs),
        'flops': operations(SHAPES[name], steps),
        'pictures_per_second': batch / statistics.median(totals),
        'total_ms': 1e3 * statistics.median(totals),
        'total_ms_min': 1e3 * min(totals),
        'total_ms_max': 1e3 * max(totals),
    }
    if device == 'cuda':
        line['device_bytes'] = torch.cuda.max_memory_allocated()
    for stage, name in enumerate(STAGES):
        line[name + '_ms'] = 1e3 * statistics.median(run[stage] for run in runs)
    return line


def measure(decoder, steps, runs, compiled):
    """A first call compiles; without a compiler the median takes care of it."""
    if compiled:
        decoder.draw(steps)
    return [decoder.draw(steps)[1] for _ in range(runs)]


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--shape', choices=SHAPES, default='vistas')
    parser.add_argument('--drafting-steps', type=int, nargs='+', help='N; K for a drafter alone')
    parser.add_argument(
        '--configurations', nargs='+', choices=CONFIGURATIONS, default=CONFIGURATIONS, metavar='C'
    )
    parser.add_argument('--batch', type=int, nargs='+', default=[1])
    parser.add_argument('--runs', type=int, default=5)
    parser.add_argument('--device', choices=DEVICES, default='cpu')
    parser.add_argument('--threads', type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


def main():
    args = parse()
    torch.set_num_threads(args.threads)
    torch._dynamo.config.recompile_limit = 64  # one graph for each scale
    torch._inductor.config.freezing = True  # weights of the VQ-VAE in the layout that oneDNN likes
    shape = SHAPES[args.shape]
    steps = args.drafting_steps or [8 if 'refiner' in shape else len(shape['patch_nums'])]
    weights = {
        part: {name: values.to(args.device) for name, values in tensors.items()}
        for part, tensors in build(shape, args.threads).items()
    }
    # In the order of the precisions: from bfloat16 there is no way back.
    for configuration in sorted(set(args.configurations), key=CONFIGURATIONS.index):
        if not sensible(configuration, args.device):
            continue
        precision, mode = configuration.split('-')
        convert(weights, PRECISIONS[precision][0])
        for batch in args.batch:
            torch._dynamo.reset()
            if args.device == 'cuda':
                torch.cuda.reset_peak_memory_stats()
            decoder = Decoder(
                shape,
                weights,
                precision,
                [0] * batch,
                hoist=mode != 'again',
                compiled=mode == 'compiled',
                packed=mode == 'packed',
            )
            for n in steps:
                runs = measure(decoder, n, args.runs, mode == 'compiled')
                line = report(args.shape, configuration, n, batch, runs, args.device)
                print(json.dumps(line), flush=True)
                print(f"{configuration}, N = {n}: {line['total_ms']:.0f} ms", file=sys.stderr)
            del decoder


if __name__ == '__main__':
    main()
