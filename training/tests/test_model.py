"""Quantiser, transformer and export."""

import argparse
import json
import struct
import tempfile
import unittest

import numpy as np
import torch
import torch.nn.functional as F

from training import export, settings, unpack
from training.optim import orthogonal
from training.pyramids import Pyramids
from training.quantiser import Quantiser
from training.train_large import transformer
from training.vae import Autoencoder, conv, doubled
from training.var import LENGTH, START, attend, block_causal

SMALL = dict(depth=2, width=128)


def quantiser():
    torch.manual_seed(0)
    return Quantiser(settings.VAE['codes'], settings.VAE['channels']).requires_grad_(False)


class Quantising(unittest.TestCase):
    def test_round_trip(self):
        """A pyramid's tokens alone give back its feature map, and so do the inputs that the
        transformers are fed.
        """
        q, f = quantiser(), torch.randn(2, settings.VAE['channels'], 16, 16)
        tokens, inputs, f_hat = q.quantise(f)
        self.assertEqual(
            (tokens.shape, inputs.shape), ((2, LENGTH), (2, LENGTH - 1, settings.VAE['channels']))
        )
        torch.testing.assert_close(q.feature_map(tokens), f_hat, rtol=1e-4, atol=1e-4)

    def test_flaws_change_what_is_fed(self):
        q, f = quantiser(), torch.randn(2, settings.VAE['channels'], 16, 16)
        _, clean, _ = q.quantise(f)
        _, none, _ = q.quantise(f, torch.full((2,), 1e-6), torch.Generator().manual_seed(1))
        _, flawed, _ = q.quantise(f, torch.full((2,), 4.0), torch.Generator().manual_seed(1))
        torch.testing.assert_close(clean, none)
        self.assertGreater((clean - flawed).abs().max(), 0.1)


class Examples(unittest.TestCase):
    def test_hard_kinds_twice_as_often(self):
        with tempfile.TemporaryDirectory() as work:
            features = np.zeros((4 * settings.CLASSES, settings.VAE['channels'], 16, 16), 'f2')
            np.save(f'{work}/features.npy', features)
            torch.save(quantiser().state_dict(), f'{work}/quantiser.pt')
            pyramids = Pyramids(argparse.Namespace(work=work), 'cpu')
            classes, _, _ = pyramids.batch(np.random.default_rng(0), 4000, 2)
        hard = np.isin(np.arange(settings.CLASSES), settings.HARD_KINDS)
        share = np.bincount(classes, minlength=settings.CLASSES)[: settings.CLASSES]
        self.assertAlmostEqual(share[hard].mean() / share[~hard].mean(), 2, delta=0.2)


class Transforming(unittest.TestCase):
    def test_attends_block_causally(self):
        """The parts that attention is cut into are what one product under the whole mask is."""
        for length in START[1:]:
            q, k, v = torch.randn(3, 2, 1, length, 64, generator=torch.Generator().manual_seed(0))
            expected = F.scaled_dot_product_attention(
                q, k, v, block_causal(length, 'cpu'), scale=1.0
            )
            torch.testing.assert_close(attend(q, k, v), expected, rtol=1e-4, atol=1e-5)

    def test_cache_equals_whole(self):
        """Scale by scale with a cache, or all scales at once: the same logits."""
        torch.manual_seed(0)
        model = transformer(SMALL, 0).eval()
        classes, inputs = torch.tensor([1, 16]), torch.randn(
            2, LENGTH - 1, settings.VAE['channels']
        )
        with torch.inference_mode():
            whole = model(classes, inputs)
            caches, parts = [[] for _ in model.blocks], []
            for a, b in zip(START, START[1:]):
                parts.append(model(classes, inputs[:, max(a - 1, 0) : b - 1], a, b, caches))
        torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=1e-3, atol=1e-3)

    def test_orthogonal(self):
        singular = torch.linalg.svdvals(orthogonal(torch.randn(48, 96)))
        self.assertTrue(((singular > 0.5) & (singular < 1.5)).all())


class Decoding(unittest.TestCase):
    def test_doubled(self):
        """Four small kernels do what the convolution of the doubled map does."""
        torch.manual_seed(0)
        layer, x = conv(6, 8, 3), torch.randn(2, 8, 5, 7)
        torch.nn.init.normal_(layer.bias)
        twice = F.interpolate(x, scale_factor=2, mode='nearest')
        torch.testing.assert_close(doubled(layer, x), layer(twice), rtol=1e-4, atol=1e-5)


class Exporting(unittest.TestCase):
    def test_loads(self):
        """The file says what it holds, and every byte of it is accounted for."""
        vae = Autoencoder(**settings.VAE)
        with tempfile.TemporaryDirectory() as folder:
            path = f'{folder}/vae.safetensors'
            export.save(path, export.half(vae.state_dict()), export.metadata(folder, 1))
            with open(path, 'rb') as f:
                header = json.loads(f.read(struct.unpack('<Q', f.read(8))[0]))
                data = f.read()
        meta = header.pop('__metadata__')
        self.assertEqual(json.loads(meta['shape'])['patch_nums'], list(settings.PATCH_NUMS))
        self.assertEqual(meta['licence'], 'MIT')
        self.assertEqual(max(h['data_offsets'][1] for h in header.values()), len(data))
        entry = header['decoder.conv_out.weight']
        a = np.frombuffer(data[slice(*entry['data_offsets'])], np.float16).reshape(entry['shape'])
        np.testing.assert_allclose(a, vae.decoder.conv_out.weight.detach().numpy(), atol=1e-3)

    def test_goes_on(self):
        """What unpack puts down is what export wrote, and the next export tells what was before."""
        parts = dict(
            vae=Autoencoder(**settings.VAE).state_dict(),
            quantiser=quantiser().state_dict(),
            drafter=transformer(SMALL, 1).state_dict(),
            refiner=transformer(SMALL, 2).state_dict(),
        )
        with tempfile.TemporaryDirectory() as work, tempfile.TemporaryDirectory() as out:
            for name, values in parts.items():
                torch.save(values, f'{work}/{name}.pt')
            export.export(work, out, 1)
            with tempfile.TemporaryDirectory() as again:
                unpack.unpack(out, again)
                for name in ('vae', 'quantiser', 'drafter_start', 'refiner_start'):
                    values = torch.load(f'{again}/{name}.pt', weights_only=True)
                    expected = parts[name.removesuffix('_start')]
                    self.assertEqual(values.keys(), expected.keys())
                    for key, value in values.items():
                        torch.testing.assert_close(value, expected[key].half().float())
                training = json.loads(export.metadata(again, 1)['training'])
        self.assertIn('LARGE_STEPS', training['before']['training'])
        self.assertNotIn('LARGE_STEPS', training)


if __name__ == '__main__':
    unittest.main()
