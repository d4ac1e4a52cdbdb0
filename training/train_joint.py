"""Stage 4, all of the VQ-VAE together on whole pictures: the gradient passes straight through the
quantiser, the encoder is drawn to what the codes can say, codebook and phi follow the encoder.

Ends with the reconstruction figures of the held-out pictures, by kind.
"""

import numpy as np
import torch
import torch.nn.functional as F

from . import settings
from .optim import Both
from .pictures import KINDS
from .precision import autocast
from .quantiser import Quantiser, downsample
from .runner import launch
from .train_vae import ADAM_ONLY, picture_loss, psnr, to_tensor
from .vae import Autoencoder

COMMITMENT = 0.25


def load(args, weights, codes):
    """The two halves of a stage's result."""
    read = lambda name: torch.load(
        f'{args.work}/{name}.pt', map_location=args.device, weights_only=True
    )
    vae = Autoencoder(**settings.VAE).to(args.device)
    vae.load_state_dict(read(weights))
    quantiser = Quantiser(settings.VAE['codes'], settings.VAE['channels']).to(args.device)
    quantiser.load_state_dict(read(codes))
    return vae, quantiser


def quantised(quantiser, f):
    """-> f_hat of the nearest tokens, differentiable in codebook and phi; mean square error over
    all scales' sums.
    """
    with torch.no_grad():
        tokens = quantiser.quantise(f)[0]
    f_hat, error = 0, 0
    for k, t in enumerate(quantiser.split(tokens)):
        f_hat = f_hat + quantiser.contribution(k, t)
        error = error + F.mse_loss(f_hat, f.detach()) * (
            1.0 if k == len(settings.PATCH_NUMS) - 1 else 0.1
        )
    return f_hat, error


def stage(run):
    pictures = np.load(f'{run.args.work}/pictures.npy', mmap_mode='r')
    vae, quantiser = load(run.args, 'vae_plain', 'quantiser_plain')
    model = torch.nn.ModuleDict(dict(vae=vae, quantiser=quantiser))
    opt = Both(model.named_parameters(), 0.006, 8e-4, adam_only=ADAM_ONLY + ('quantiser',))

    def loss_of(rng, step):
        which = np.sort(rng.integers(0, len(pictures), settings.JOINT_BATCH // run.world))
        x = to_tensor(pictures[which], run.device)
        with run.autocast():
            f = vae.encode(x)
        f = f.float()
        f_hat, error = quantised(quantiser, f)
        straight = f + (f_hat - f).detach()
        with run.autocast():
            y = vae.decode(straight)
        loss, mse = picture_loss(y.float(), x)
        commitment = F.mse_loss(f, f_hat.detach())
        return loss + COMMITMENT * commitment + error, dict(
            loss=loss, psnr=psnr(mse), gap=commitment
        )

    average = run.train(model, opt, loss_of, settings.JOINT_STEPS, fall=0.6, decay=0.99)
    if run.rank == 0:
        for part, name in (('quantiser', 'quantiser'), ('vae', 'vae')):
            values = {k[len(part) + 1 :]: v for k, v in average.items() if k.startswith(part + '.')}
            torch.save(values, f'{run.args.work}/{name}.pt')


@torch.inference_mode()
def reconstruct(args, pictures):
    """uint8 pictures through encoder, quantiser and decoder -> (uint8, share of the codes used)."""
    vae, quantiser = load(args, 'vae', 'quantiser')
    out, used = [], set()
    for i in range(0, len(pictures), 16):
        with autocast(args.device):
            f = vae.encode(to_tensor(pictures[i : i + 16], args.device)).float()
        tokens, _, f_hat = quantiser.quantise(f)
        used.update(tokens.flatten().tolist())
        out.append(render(vae, f_hat))
    return np.concatenate(out), len(used) / settings.VAE['codes']


@torch.inference_mode()
def render(vae, f_hat):
    """Feature maps -> uint8 (B, 256, 256, 3)."""
    with autocast(f_hat.device.type):
        y = vae.decode(f_hat).float()
    return ((y.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()


def report(args):
    pictures = np.load(f'{args.work}/held_out.npy')
    again, used = reconstruct(args, pictures)
    error = np.square((again.astype(np.float32) - pictures) / 127.5).mean((1, 2, 3))
    figures = 10 * np.log10(4 / error)
    names = settings.CLASS_NAMES or KINDS
    for k, name in enumerate(names):
        print(f'reconstruction: {name}: {figures[k::len(names)].mean():.2f} dB')
    print(f'reconstruction: mean {figures.mean():.2f} dB, codes in use {used:.3f}', flush=True)
    return again


def main(args):
    launch(stage, 'joint', args)
    report(args)


if __name__ == '__main__':
    main(settings.arguments(__doc__))
