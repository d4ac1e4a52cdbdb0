"""Stage 1, the training set: draws pictures of every kind into work/pictures.npy (class = index
mod 16).

Resumable: pictures already in the file are kept; a picture of which nothing is drawn yet is all
zero.
"""

import multiprocessing
import os

import numpy as np

from . import settings
from .pictures import KINDS, picture


def _job(args):
    index, first_seed = args
    return picture(index % len(KINDS), first_seed + index // len(KINDS))


def draw(path, count, first_seed, workers):
    """Returns the memory map (count, 256, 256, 3) uint8."""
    if os.path.exists(path):
        pictures = np.lib.format.open_memmap(path, mode='r+')
    else:
        pictures = np.lib.format.open_memmap(
            path, mode='w+', dtype=np.uint8, shape=(count, 256, 256, 3)
        )
    missing = [i for i in range(count) if not pictures[i, 128].any() and not pictures[i, 30].any()]
    with multiprocessing.Pool(workers) as pool:
        for done, (i, image) in enumerate(
            zip(missing, pool.imap(_job, [(i, first_seed) for i in missing], 16)), 1
        ):
            pictures[i] = image
            if done % 800 == 0:
                pictures.flush()
                print(f'draw: {done} of {len(missing)}', flush=True)
    pictures.flush()
    return pictures


def main(args):
    draw(f'{args.work}/pictures.npy', settings.PICTURES, settings.FIRST_SEED, args.workers)
    draw(f'{args.work}/held_out.npy', settings.HELD_OUT, settings.FIRST_HELD_OUT_SEED, args.workers)


if __name__ == '__main__':
    main(settings.arguments(__doc__))
