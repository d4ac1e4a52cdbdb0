"""The renderer: pure, and no two seeds agree."""

import unittest

import numpy as np

from training.pictures import KINDS, picture


class Pictures(unittest.TestCase):
    def test_shape(self):
        for kind in range(len(KINDS)):
            image = picture(kind, 3)
            self.assertEqual((image.shape, image.dtype), ((256, 256, 3), np.uint8))

    def test_pure(self):
        for kind in range(len(KINDS)):
            self.assertTrue((picture(kind, 7) == picture(kind, 7)).all(), KINDS[kind])

    def test_no_two_seeds_agree(self):
        """Not even nearly: thumbnails of every two pictures of a kind differ."""
        for kind in range(len(KINDS)):
            small = [picture(kind, s).reshape(32, 8, 32, 8, 3).mean((1, 3)) for s in range(8)]
            for i in range(8):
                for j in range(i):
                    self.assertGreater(np.abs(small[i] - small[j]).mean(), 0.5, (KINDS[kind], i, j))


if __name__ == '__main__':
    unittest.main()
