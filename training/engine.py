"""The engine's command line tools as a generator: pictures, their speed, and the memory that the
engine plans.
"""

import glob
import re
import subprocess
import tempfile

import numpy as np
from PIL import Image

from . import settings


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f'{" ".join(command)}: {done.stderr.strip()}')
    return done.stdout + done.stderr


def number(pattern, text):
    found = re.search(pattern, text)
    return float(found.group(1)) if found else None


def generate(tools, model, steps, each, seed, batch):
    """`each` pictures of every kind with N = steps, -> uint8 in the order of kinds, {figure:
    value or None}.

    The class changes from picture to picture in the training set's order: index mod 16.
    """
    with tempfile.TemporaryDirectory() as folder:
        text = run(
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
                '--times',
                '--output',
                f'{folder}/%06d.ppm',
            ]
        )
        files = sorted(glob.glob(f'{folder}/*.ppm'))
        pictures = np.stack([np.asarray(Image.open(name)) for name in files])
    pictures = (
        pictures.reshape(settings.CLASSES, each, *pictures.shape[1:])
        .swapaxes(0, 1)
        .reshape(pictures.shape)
    )
    plan = run([f'{tools}/code-model', 'inspect', '--drafting-steps', str(steps), model])
    return pictures, dict(
        speed=number(r'([\d.]+) pictures per second', text),
        transformer=number(r'transformer\w* ([\d.]+)', text),
        memory=number(r'together ([\d.]+) MiB', plan),
        caches=number(r'keys and values ([\d.]+) MiB', plan),
    )
