"""From a folder of images to a manifest: a tiny data set, a step or two of each stage. With
CODE_MODEL and CODE_IMAGE in the environment, those programs read what was made."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
from PIL import Image

from training import own, settings

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


def run(variable, *arguments):
    """The output of one of codesrc's programs; '' if the environment does not name it."""
    program = os.environ.get(variable)
    return program and subprocess.run(
        [program, *arguments], check=True, capture_output=True, text=True
    ).stdout or ''


class Folder(unittest.TestCase):
    """Needs NumPy and Pillow alone."""

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

    def test_settings(self):
        changed = own.overrides({'a': [], 'b': []}, 64, 2, 0.0005)
        self.assertEqual((changed['CLASSES'], changed['PICTURES'], changed['HELD_OUT']), (2, 64, 2))
        self.assertEqual(changed['LARGE_STEPS'], [1, 1, 1])  # never none
        for name in changed:
            self.assertTrue(hasattr(settings, name), name)
        self.assertEqual(own.overrides({'a': []}, 64, 2, 0.5)['VAE_STEPS'], settings.VAE_STEPS / 2)

    def test_manifest(self):
        names = ['blue', 'no', '7', "it's \\ \"so\": {a}", '# née']
        with tempfile.TemporaryDirectory() as folder:
            own.write_manifest(f'{folder}/mine.yaml', 'mine', names)
            lines = run('CODE_MODEL', 'inspect', f'{folder}/mine.yaml').splitlines()
            if lines:
                self.assertEqual(lines[1:6], [f'  {i:4}  {name}' for i, name in enumerate(names)])


class Model(unittest.TestCase):
    """Needs PyTorch."""

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
            picture = f'{folder}/picture.png'
            drawn = ['--model', f'{folder}/mine', '--class', 'warm sand', '--output', picture]
            if 'CODE_IMAGE' in os.environ:
                run('CODE_IMAGE', *drawn)
                self.assertEqual(Image.open(picture).size, (256, 256))


if __name__ == '__main__':
    unittest.main()
