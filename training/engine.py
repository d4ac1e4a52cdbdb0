"""The engine's command line tools as a generator: pictures, their speed, and the memory that the
engine plans.
"""

import glob
import json
import subprocess
import tempfile

import numpy as np
from PIL import Image

from . import settings

RUNS = 40  # pictures that a speed is the median of


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f'{" ".join(command)}: {done.stderr.strip()}')
    return done.stdout


def speed(tools, model, steps):
    """code-bench with N = steps, one picture at a time, -> {figure: value}."""
    text = run(
        [
            f'{tools}/code-bench',
            '--model',
            model,
            '--drafting-steps',
            str(steps),
            '--runs',
            str(RUNS),
            '--json',
        ]
    )
    figures = json.loads(text)
    transformers = sum(figures.get(f'{k}_ms') or 0 for k in ('drafter', 'handover', 'refiner'))
    return dict(
        speed=figures['pictures_per_second'],
        transformers=transformers,
        memory=figures['planned_bytes'] / 2**20,
    )


def generate(tools, model, steps, each, seed, batch, options=()):
    """`each` pictures of every kind with N = steps and other options of code-image, -> uint8.

    The class changes from picture to picture in the training set's order: index mod 16.
    """
    with tempfile.TemporaryDirectory() as folder:
        run(
            [
                f'{tools}/code-image',
                '--model',
                model,
                '--class',
                'all',
                '--frames',
                str(each),
                '--seed',
                str(seed),
                '--drafting-steps',
                str(steps),
                '--batch',
                str(batch),
                '--output',
                f'{folder}/%06d.ppm',
                *options,
            ]
        )
        files = sorted(glob.glob(f'{folder}/*.ppm'))
        pictures = np.stack([np.asarray(Image.open(name)) for name in files])
    return (
        pictures.reshape(settings.CLASSES, each, *pictures.shape[1:])
        .swapaxes(0, 1)
        .reshape(pictures.shape)
    )
