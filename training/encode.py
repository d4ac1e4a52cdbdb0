"""Encodes the first pictures of the training set into a file of feature maps, every worker its
share. Resumable.
"""

import os

import numpy as np
import torch

from . import settings
from .runner import launch
from .train_vae import to_tensor
from .vae import Autoencoder


def stage(run):
    pictures = np.load(f'{run.args.work}/pictures.npy', mmap_mode='r')
    out = np.lib.format.open_memmap(f'{run.args.work}/{run.args.features}.npy', mode='r+')
    model = Autoencoder(**settings.VAE).to(run.device).eval()
    model.load_state_dict(
        torch.load(
            f'{run.args.work}/{run.args.weights}.pt', map_location=run.device, weights_only=True
        )
    )
    batch = 8 if run.device.type == 'cpu' else 64
    for n, i in enumerate(range(run.rank * batch, len(out), run.world * batch)):
        if out[i : i + batch].any(axis=(1, 2, 3)).all():
            continue
        with torch.inference_mode(), run.autocast():
            f = model.encode(to_tensor(pictures[i : min(i + batch, len(out))], run.device))
        out[i : i + batch] = f.float().cpu().numpy()
        if run.rank == 0 and n % 50 == 0:
            print(f'encode: {i} of {len(out)}', flush=True)
    out.flush()


def encode(args, weights, count, features):
    """work/`features`.npy: float16 (count, channels, 16, 16), from the encoder in
    work/`weights`.pt.
    """
    side, path = settings.PATCH_NUMS[-1], f'{args.work}/{features}.npy'
    if not os.path.exists(path):
        shape = (count, settings.VAE['channels'], side, side)
        np.lib.format.open_memmap(path, mode='w+', dtype=np.float16, shape=shape).flush()
    args.weights, args.features = weights, features
    launch(stage, 'encode', args)


def main(args):
    encode(args, 'vae', settings.TOKEN_PICTURES, 'features')


if __name__ == '__main__':
    main(settings.arguments(__doc__))
