"""The judges see what is wrong with pictures, and their tables can be read back."""

import tempfile
import unittest

import numpy as np

from training import judge, sampling, tradeoff
from training.classifier import frechet
from training.second_judge import SecondJudge, agreement, look


def blots(seed, count=600):
    """Pictures of one soft blot each, 64x64."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:64, 0:64]
    cx, cy, r = rng.uniform(16, 48, (3, count, 1, 1)) * np.array([1, 1, 0.4])[:, None, None, None]
    light = 1 / (1 + np.exp((np.hypot(x - cx, y - cy) - r) / 1.5))
    colour = rng.uniform(0.3, 1, (count, 1, 1, 3))
    return (light[..., None] * colour * 255).astype(np.uint8)


class Second(unittest.TestCase):
    def test_sees_flaws(self):
        """Noise, a tint and lost edges each cost more than another set of the same kind."""
        held_out, other = blots(1), blots(2)
        second = SecondJudge(held_out)
        distance = lambda pictures: second.distance(second.features(pictures))
        self.assertAlmostEqual(distance(held_out), 0, places=6)
        floor = distance(other)
        noise = np.random.default_rng(3).integers(-20, 21, other.shape)
        blurred = other.reshape(-1, 16, 4, 16, 4, 3).mean((2, 4)).repeat(4, 1).repeat(4, 2)
        for flawed in (
            np.clip(other + noise, 0, 255).astype(np.uint8),
            (other * np.array([1, 0.8, 1])).astype(np.uint8),
            blurred.astype(np.uint8),
        ):
            self.assertGreater(distance(flawed), 1.5 * floor)

    def test_is_always_the_same(self):
        np.testing.assert_array_equal(look(blots(1, 4)), look(blots(1, 4)))

    def test_agreement(self):
        self.assertEqual(agreement([1, 2, 3], [10, 20, 30]), 1)
        self.assertEqual(agreement([1, 2, 3], [3, 2, 1]), 0)
        self.assertAlmostEqual(agreement([1, 2, 3], [1, 3, 2]), 2 / 3)

    def test_frechet(self):
        """Of two Gaussians: squared gap of the means, and of the deviations where axes agree."""
        a = np.random.default_rng(0).standard_normal((1000, 3))
        self.assertAlmostEqual(frechet(a, a + [1, 2, 2]), 9, places=6)
        spread = (a - a.mean(0)) * 3 + a.mean(0)
        self.assertAlmostEqual(frechet(a, spread), 4 * np.cov(a.T).trace(), places=6)


class Sampling(unittest.TestCase):
    def descend(self, second):
        grid = {'guidance': (1, 2, 3, 4), 'top-p': (0.5, 0.7, 0.9)}
        measure = lambda s: dict(
            accuracy=1,
            distance=(s['guidance'] - 2) ** 2 + (s['top-p'] - 0.7) ** 2,
            second=second(s),
        )
        return sampling.descend(grid, {'guidance': 4, 'top-p': 0.9}, measure)

    def test_finds_the_best(self):
        best, rows = self.descend(lambda s: s['guidance'] + s['top-p'])
        self.assertEqual(best, {'guidance': 2, 'top-p': 0.7})
        self.assertEqual(len(rows), 1 + 3 + 2)  # no setting twice
        self.assertEqual(len(sampling.table(rows).splitlines()), 2 + len(rows))

    def test_wants_both_judges(self):
        best, _ = self.descend(lambda s: -s['guidance'] - s['top-p'])
        self.assertEqual(best, {'guidance': 4, 'top-p': 0.9})

    def test_options(self):
        self.assertEqual(
            sampling.options(dict(sampling.START, **{'more-smooth': True}))[-3:],
            ['--temperature', '1', '--more-smooth'],
        )
        self.assertNotIn('--more-smooth', sampling.options(sampling.START))


class Tables(unittest.TestCase):
    def test_is_read_back(self):
        rows = [
            dict(name=tradeoff.FLOOR, accuracy=1, distance=0.03, second=0.2),
            dict(name='N = 8', accuracy=0.99, distance=0.18, second=1, speed=20, memory=46),
        ]
        with tempfile.NamedTemporaryFile('w', encoding='utf-8') as f:
            f.write(f'text\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n{judge.table(rows)}\n| c |\n')
            f.flush()
            self.assertEqual(
                tradeoff.read(f.name), [(tradeoff.FLOOR, 0.03, None), ('N = 8', 0.18, 20)]
            )

    def test_no_table(self):
        with tempfile.NamedTemporaryFile('w') as f:
            with self.assertRaises(SystemExit):
                tradeoff.read(f.name)

    def test_names_the_worst(self):
        figures = [
            dict(kind=f'kind {i}', accuracy=1, distance=d, floor=0, second=1)
            for i, d in enumerate([0.5, 0.1, 0.4, 0.3, 0.2])
        ]
        text = judge.kind_table(figures)
        for i in range(5):
            self.assertEqual(f'**kind {i}**' in text, i in (0, 2, 3))


if __name__ == '__main__':
    unittest.main()
