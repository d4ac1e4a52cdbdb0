"""Writes a film of the element codesrc as an animated WebP, as in docs/film.webp.

    . build/demo/env.sh
    python -m training.film docs/film.webp seed=7 loop=6 hold=26 morph=24

takes the properties of codesrc; --frames (all of a loop of 300) and --fps of the film.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

from PIL import Image


def frames_of(properties: list[str], count: int, folder: Path) -> list[Image.Image]:
    """The first `count` frames that codesrc draws with these properties."""
    line = ['gst-launch-1.0', '-q', 'codesrc', f'num-buffers={count}', *properties]
    line += ['!', 'videoconvert', '!', 'pngenc', 'compression-level=1', '!']
    line += ['multifilesink', f'location={folder}/%05d.png']
    subprocess.run(line, check=True)
    return [Image.open(path).convert('RGB') for path in sorted(folder.glob('*.png'))]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument('file', type=Path)
    parser.add_argument('properties', nargs='*', metavar='PROPERTY=VALUE')
    parser.add_argument('--frames', type=int, default=300)
    parser.add_argument('--fps', type=int, default=25)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        frames = frames_of(args.properties, args.frames, Path(folder))
    # kmax 1: each frame by itself. Differences between lossy frames leave blocks behind.
    frames[0].save(args.file, save_all=True, append_images=frames[1:], loop=0, quality=75, method=4,
                   kmax=1, duration=round(1000 / args.fps))
    print(f'{args.file}: {len(frames)} frames, {args.file.stat().st_size / 1e6:.2f} MB')


if __name__ == '__main__':
    main()
