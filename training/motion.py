"""Draws the sheets of docs/motion.md: ways between two pictures, and variations of one.

    . build/demo/env.sh
    python -m training.motion between docs/between.jpg --pair 4,7
    python -m training.motion variations docs/keep-scales.jpg

Both take --class and --seed; `between` also --pair, the numbers of its two pictures.
"""

import argparse
import ctypes
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from .engine import run
from .film import frames_of
from .pictures import sheet

SIDE, CELLS, CHANNELS, SCALES = 256, 16, 16, 10  # of vistas
STEPS = 7  # pictures of a way, with both ends


class Engine:
    """The VQ-VAE of vistas, by the C library."""

    def __init__(self):
        self.library = ctypes.CDLL('libcodesrc.so.0')
        self.error = ctypes.create_string_buffer(1024)
        for name in ('model_open', 'generator_new', 'encode', 'canvas_feature_map'):
            getattr(self.library, 'codesrc_' + name).restype = ctypes.c_void_p
        self.model = self.call('model_open', b'vistas', None, self.error)
        self.generator = self.call('generator_new', self.model, 1, 0, self.error)

    def call(self, name, *args):
        args = [ctypes.c_void_p(x) if isinstance(x, int) and x > 2**16 else x for x in args]
        result = getattr(self.library, 'codesrc_' + name)(*args)
        if not result:
            raise SystemExit(self.error.raw[4:].split(b'\0')[0].decode())
        return result

    def encode(self, picture):
        """(256, 256, 3) uint8 -> the feature map (16, 16, 16) after the last scale."""
        image = np.ascontiguousarray(picture.transpose(2, 0, 1) / 127.5 - 1, np.float32)
        canvas = self.call('encode', self.generator, image.ctypes.data, self.error)
        address = self.call('canvas_feature_map', canvas, SCALES - 1)
        pointer = ctypes.cast(address, ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(pointer, (CHANNELS, CELLS, CELLS)).copy()

    def decode(self, features):
        image = np.empty((3, SIDE, SIDE), np.float32)
        features = np.ascontiguousarray(features, np.float32)
        self.call('decode', self.generator, features.ctypes.data, image.ctypes.data, self.error)
        return ((image.transpose(1, 2, 0) + 1) * 127.5 + 0.5).clip(0, 255).astype(np.uint8)


def with_length(a, b, t):
    """The linear mix, brought to the length that lies between those of a and b."""
    mix = (1 - t) * a + t * b
    length = (1 - t) * np.linalg.norm(a, axis=0) + t * np.linalg.norm(b, axis=0)
    return mix * length / np.maximum(np.linalg.norm(mix, axis=0), 1e-12)


def between(args):
    """Three rows: pixels that fade, the linear mix of the feature maps, and with their length."""
    engine = Engine()
    with tempfile.TemporaryDirectory() as folder:
        command = ['code-image', '--class', args.name, '--seed', str(args.seed), '--output']
        ends = []
        for number in args.pair.split(','):
            run([*command, f'{folder}/{number}.ppm', '--frame', number])
            ends.append(np.asarray(Image.open(f'{folder}/{number}.ppm')))
    a, b = (engine.encode(picture) for picture in ends)
    first, last = engine.decode(a).astype(float), engine.decode(b).astype(float)
    times = np.linspace(0, 1, STEPS)
    rows = [((1 - t) * first + t * last).round().astype(np.uint8) for t in times]
    rows += [engine.decode((1 - t) * a + t * b) for t in times]
    rows += [engine.decode(with_length(a, b, t)) for t in times]
    return sheet(rows, STEPS)


def variations(args):
    """Eleven rows, of 0 to 10 shared scales, with six variations each."""
    tiles = []
    for scales in range(SCALES + 1):
        properties = [f'class-name={args.name}', f'seed={args.seed}', f'keep-scales={scales}']
        with tempfile.TemporaryDirectory() as folder:
            tiles += [np.asarray(frame) for frame in frames_of(properties, 6, Path(folder))]
    return sheet(tiles, 6)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument('what', choices=('between', 'variations'))
    parser.add_argument('file', type=Path)
    parser.add_argument('--class', dest='name', default='sunset sea')
    parser.add_argument('--seed', type=int, default=7)
    parser.add_argument('--pair', default='0,1', metavar='A,B')
    parser.add_argument('--side', type=int, default=128, help='of a picture on the sheet')
    args = parser.parse_args()
    pixels = (between if args.what == 'between' else variations)(args)
    page = Image.fromarray(pixels)
    page = page.resize((page.width * args.side // SIDE, page.height * args.side // SIDE),
                       Image.LANCZOS)
    page.save(args.file, quality=85)
    print(f'{args.file}: {page.width} x {page.height}, {args.file.stat().st_size / 1e3:.0f} kB')


if __name__ == '__main__':
    main()
