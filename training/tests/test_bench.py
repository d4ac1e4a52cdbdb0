"""The PyTorch that codesrc is measured against computes what the public code computes."""

import itertools
import json
import os
import unittest

import numpy as np
import torch

from training.bench_model import PRECISIONS, Decoder
from training.synthetic import SHAPES, decoder_tensors, operations, synthetic, var_tensors

GOLDEN = os.path.join(os.path.dirname(__file__), '../../tests/data/code-tiny-n2.safetensors')
TYPES = {'F32': np.float32, 'I32': np.int32, 'U8': np.uint8}


def read_golden():
    with open(GOLDEN, 'rb') as file:
        data = file.read()
    begin = 8 + int.from_bytes(data[:8], 'little')
    header = json.loads(data[8:begin])
    metadata = header.pop('__metadata__')
    arrays = {}
    for name, entry in header.items():
        first, last = (begin + offset for offset in entry['data_offsets'])
        values = np.frombuffer(data[first:last], TYPES[entry['dtype']]).reshape(entry['shape'])
        arrays[name] = torch.from_numpy(values.copy())
    return arrays, {name: json.loads(text) for name, text in metadata.items()}


class Bench(unittest.TestCase):
    def draw(self, precision, hoist, packed=False):
        """Largest differences of logits and of pixels, with the golden tokens fed."""
        golden, metadata = read_golden()
        shape, seed = SHAPES['tiny'], metadata['weight_seed']
        weights = {
            'vae': synthetic(decoder_tensors(shape), seed),
            'drafter': synthetic(var_tensors(shape, shape['drafter']), seed + 1),
            'refiner': synthetic(var_tensors(shape, shape['refiner']), seed + 2),
        }
        for part in weights.values():
            for name, values in part.items():
                part[name] = torch.from_numpy(values).to(PRECISIONS[precision][0])
        decoder = Decoder(shape, weights, precision, metadata['classes'], hoist, False, packed)
        tokens = golden['tokens'].long().split([p * p for p in shape['patch_nums']], 1)
        settings, logits = metadata['settings'], []
        pictures, times = decoder.draw(
            metadata['drafting_steps'], settings['guidance'], tokens=tokens, seen=logits.append
        )
        self.assertTrue(all(seconds > 0 for seconds in times))
        difference = (torch.cat(logits, 1) - golden['logits']).abs().max().item()
        pixels = pictures.permute(0, 3, 1, 2).int() - golden['image'].int()
        return difference, pixels.abs().max().item()

    def test_float32(self):
        for hoist, packed in ((False, False), (True, False), (True, True)):
            logits, pixels = self.draw('f32', hoist, packed)
            self.assertLess(logits, 5e-4)
            self.assertLessEqual(pixels, 1)

    def test_operations(self):
        """What code-bench says of the same shapes."""
        self.assertEqual(operations(SHAPES['tiny'], 2), 47235072)
        self.assertEqual(operations(SHAPES['official'], 8), 2366416998400)

    def test_bfloat16(self):
        for precision, packed in itertools.product(('autocast', 'bf16'), (False, True)):
            logits, pixels = self.draw(precision, True, packed)
            self.assertLess(logits, 1.0)
            self.assertLessEqual(pixels, 16)


if __name__ == '__main__':
    unittest.main()
