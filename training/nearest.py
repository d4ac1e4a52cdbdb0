"""Does the model recite? Draws 64 pictures with the engine and sets beside each the training
picture nearest to it.

Nearest by mean square of the pictures at 32x32, over the whole training set. Writes
docs/nearest.png: pairs, the generated picture left, its nearest training picture right.
"""

import argparse

import numpy as np
from PIL import Image

from . import engine, settings
from .pictures import sheet


def small(pictures):
    """(n, 256, 256, 3) uint8 -> (n, 3072) float32, means over 8x8 pixels."""
    parts = [
        pictures[i : i + 256].reshape(-1, 32, 8, 32, 8, 3).mean((2, 4), dtype=np.float32)
        for i in range(0, len(pictures), 256)
    ]
    return np.concatenate(parts).reshape(len(pictures), -1)


def main(args):
    drawn = engine.generate(args.tools, args.model, args.drafting_steps, 4, args.seed, 4)
    training = np.load(f'{args.work}/pictures.npy', mmap_mode='r')
    a, b = small(drawn), small(training)
    d = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
    nearest = d.argmin(1)
    tiles = []
    for i, j in enumerate(nearest):
        tiles += [drawn[i], np.asarray(training[j])]
    error = np.sqrt(np.maximum(d.min(1), 0) / a.shape[1])
    page = Image.fromarray(sheet(tiles, 16))
    page.resize((page.width // 3, page.height // 3), Image.LANCZOS).save(args.output)
    print(
        f'nearest: root mean square error at 32x32, of 255: '
        f'median {np.median(error):.1f}, least {error.min():.1f}'
    )
    same = nearest % settings.CLASSES == np.arange(len(drawn)) % settings.CLASSES
    print(f'nearest: of the same kind: {same.mean():.2f}')


if __name__ == '__main__':
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--work', default='build/training')
    parser.add_argument('--tools', default='build/tools')
    parser.add_argument('--model', default='models/vistas')
    parser.add_argument('--output', default='docs/nearest.png')
    parser.add_argument('--drafting-steps', type=int, default=8)
    parser.add_argument('--seed', type=int, default=2)
    main(parser.parse_args())
