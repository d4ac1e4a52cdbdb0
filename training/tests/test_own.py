"""From a folder of images to a manifest: a tiny data set, a step or two of each stage."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
from PIL import Image

from training import own

COLOURS = {'blue': (20, 40, 200), 'warm sand': (220, 180, 90)}


def draw(folder, each=3):
    """Images of several sizes, formats and shapes."""
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        sub = Path(folder) / name
        sub.mkdir(parents=True)
        for i in range(each):
            noise = rng.integers(-15, 16, (90 + 40 * i, 160, 3))
            image = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(image).save(sub / f'{i}.{("png", "jpg", "webp")[i % 3]}')


class Own(unittest.TestCase):
    def test_prepare(self):
        with tempfile.TemporaryDirectory() as folder:
            draw(f'{folder}/in', each=12)
            classes = own.classes_of(f'{folder}/in')
            self.assertEqual(list(classes), ['blue', 'warm sand'])
            count, held_out = own.prepare(classes, folder)
            pictures = np.load(f'{folder}/pictures.npy')
            self.assertEqual((count, held_out), (64, 2))
            self.assertEqual(pictures.shape, (64, 256, 256, 3))
            means = pictures.mean((1, 2))
            self.assertTrue((means[0::2, 2] > means[0::2, 0]).all())  # blue: class 0
            self.assertTrue((means[1::2, 2] < means[1::2, 0]).all())
            self.assertTrue((pictures[0] == pictures[22, :, ::-1]).all())  # repeated, mirrored

    def test_bad_folders(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(SystemExit, 'found no subfolder'):
                own.classes_of(folder)
            (Path(folder) / 'empty').mkdir()
            with self.assertRaisesRegex(SystemExit, 'empty: found no image'):
                own.classes_of(folder)
            (Path(folder) / 'empty' / 'a.png').write_text('no image')
            with self.assertRaisesRegex(SystemExit, 'a.png: not an image'):
                own.load(Path(folder) / 'empty' / 'a.png')

    def test_model(self):
        with tempfile.TemporaryDirectory() as folder:
            draw(f'{folder}/in')
            command = [sys.executable, '-m', 'training.own', '--pictures', f'{folder}/in']
            command += ['--work', f'{folder}/work', '--out', f'{folder}/mine', '--workers', '1']
            subprocess.run(command + ['--share', '0.0005'], check=True)
            made = sorted(p.name for p in Path(f'{folder}/mine').iterdir())
            self.assertEqual(
                made, ['drafter.safetensors', 'mine.yaml', 'refiner.safetensors', 'vae.safetensors']
            )
            manifest = Path(f'{folder}/mine/mine.yaml').read_text()
            self.assertIn('class_names:\n  - "blue"\n  - "warm sand"\n', manifest)


if __name__ == '__main__':
    unittest.main()
