"""Stage 2, encoder and decoder: without a quantiser yet, but with noise on the feature map in its
place.

Loss: L1 of the pixels and of their differences to the right and below, at full and at half size;
the differences weigh edges, which the eye weighs too. The mean square is there for stars and lit
windows: L1 alone is content without them. Trained on crops of 128x128 whose corners are multiples
of 16, as the code map's cells are.
"""

import numpy as np
import torch
import torch.nn.functional as F

from . import settings
from .optim import Both
from .runner import launch
from .vae import Autoencoder

ADAM_ONLY = ('conv_in', 'conv_out', 'quant_conv')  # layers that see or make pixels or codes
NOISE = 0.15  # about what quantising will do to the features
CROP = 128


def to_tensor(pictures, device='cpu'):
    """uint8 (B, H, W, 3) -> float (B, 3, H, W) in [-1, 1]."""
    x = torch.from_numpy(np.array(pictures)).to(device).permute(0, 3, 1, 2)
    return (x.float() / 127.5 - 1).contiguous()


def crops(pictures, rng, count):
    corner = rng.integers(0, (256 - CROP) // 16 + 1, (count, 2)) * 16
    which = np.sort(rng.integers(0, len(pictures), count))
    return np.stack([pictures[i, y : y + CROP, x : x + CROP] for i, (y, x) in zip(which, corner)])


def differences(a, b):
    """L1 between the gradients of two pictures."""
    d = a - b
    return (d[..., 1:] - d[..., :-1]).abs().mean() + (d[..., 1:, :] - d[..., :-1, :]).abs().mean()


def picture_loss(y, x):
    """-> loss, mean squared error (of values in [-1, 1]; nothing is clamped, or wrong pixels
    would get no gradient).
    """
    half = F.avg_pool2d(y, 2), F.avg_pool2d(x, 2)
    mse = (y - x).square().mean()
    return 2 * mse + (y - x).abs().mean() + 0.5 * differences(y, x) + 0.5 * differences(*half), mse


def psnr(mse):
    return 10 * np.log10(4 / max(float(mse.detach()), 1e-9))


def stage(run):
    pictures = np.load(f'{run.args.work}/pictures.npy', mmap_mode='r')
    model = Autoencoder(**settings.VAE).to(run.device)
    opt = Both(model.named_parameters(), 0.015, 2e-3, adam_only=ADAM_ONLY)

    def loss_of(rng, step):
        x = to_tensor(crops(pictures, rng, settings.VAE_BATCH // run.world), run.device)
        with run.autocast():
            f = model.encode(x).float()
            noise = torch.from_numpy(rng.standard_normal(f.shape, np.float32)).to(run.device)
            y = model.decode(f + NOISE * noise).float()
        loss, mse = picture_loss(y, x)
        size = f.square().mean()
        return loss + 0.05 * (size - 1).clamp_min(0), dict(loss=loss, psnr=psnr(mse), variance=size)

    average = run.train(model, opt, loss_of, settings.VAE_STEPS)
    if run.rank == 0:
        torch.save(average, f'{run.args.work}/vae_plain.pt')


def main(args):
    launch(stage, 'vae', args)


if __name__ == '__main__':
    main(settings.arguments(__doc__))
