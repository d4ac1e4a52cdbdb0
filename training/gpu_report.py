"""The goals of docs/performance.md against the results of tools/gpu-run, as a table.

    python -m training.gpu_report build/gpu-run 64 8

Reads NAME.log of each step; what is missing shows as a blank."""

import json
import os
import sys

from training.synthetic import SHAPES

FLOOR_TIMES, PEAK_SHARE, FASTER, GIGABYTES = 1.6, 0.6, 2.0, 12.0


def objects(path):
    """The JSON objects of a log, which also holds other lines. One may take several lines."""
    if not os.path.exists(path):
        return
    with open(path) as file:
        text = file.read()
    decoder, at = json.JSONDecoder(), 0
    while (at := text.find('{', at)) >= 0:
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            at += 1
        else:
            yield value


def first(results, step, key):
    """The first value of a key in a step's log, or None."""
    values = (line[key] for line in objects(f'{results}/{step}.log') if line.get(key) is not None)
    return next(values, None)


def floor_bytes(shape, n):
    """The bytes that a picture of batch 1 has to read: 16-bit weights of the layers and the head,
    once for each scale but the first, whose logits are looked up."""
    total = 0
    for k in range(1, len(shape['patch_nums'])):
        spec = shape['drafter' if k < n or 'refiner' not in shape else 'refiner']
        width = spec['width']
        total += 2 * (12 * width**2 * spec['depth'] + shape['vae']['codes'] * width)
    return total


def ratio(a, b):
    return None if a is None or not b else a / b


def goals(results, batch, n):
    """(goal, value, whether it is met) for each goal; value None if it was not measured."""
    steps = f'ours-{batch}', f'ours-{batch}-again'  # before and after theirs: the slower counts
    ours = [first(results, step, 'pictures_per_second') for step in steps]
    ours = min((speed for speed in ours if speed), default=None)
    theirs = first(results, f'theirs-{batch}', 'pictures_per_second')
    peak = first(results, 'roofline-f16', 'peak_tflops')
    bandwidth = first(results, 'roofline-f16', 'bandwidth_gb_per_s')
    flops = first(results, f'ours-{batch}', 'flops')
    alone = first(results, 'ours-1', 'total_ms')
    read = floor_bytes(SHAPES[first(results, 'ours-1', 'model') or 'official'], n)
    share = None if None in (ours, peak, flops) else 1e-12 * ours * flops / peak
    least = None if bandwidth is None else 1e-6 * read / bandwidth  # milliseconds
    times = ratio(alone, least)
    memory = first(results, f'ours-{batch}', 'measured_device_mb')
    memory = None if memory is None else memory * 2**20 / 1e9
    faster = ratio(ours, theirs)
    yield f'N = {n}, batch {batch}: times as fast as the published code', faster, FASTER, '>='
    yield f'N = {n}, batch {batch}: share of the measured product peak', share, PEAK_SHARE, '>='
    yield f'N = {n}, batch 1: times the memory floor', times, FLOOR_TIMES, '<='
    yield f'N = {n}, batch {batch}: GB of device memory', memory, GIGABYTES, '<='


def table(results, batch, n):
    lines = [f"| {'goal':<58} | found | wanted | |", '| --- | --- | --- | --- |']
    for goal, value, limit, order in goals(results, batch, n):
        met = value is not None and (value >= limit if order == '>=' else value <= limit)
        found = '' if value is None else f'{value:.2f}'
        word = 'not measured' if value is None else 'met' if met else 'missed'
        lines.append(f'| {goal:<58} | {found} | {order} {limit:g} | {word} |')
    return '\n'.join(lines)


if __name__ == '__main__':
    print(table(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
