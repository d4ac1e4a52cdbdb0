"""Stage 4, the decoder on quantised feature maps: what the quantiser lost is the decoder's to
guess.

The part below the first upsampling sees whole maps, the part above it crops of 128x128. Ends with
the reconstruction figures of the held-out pictures, by kind.
"""

import numpy as np
import torch

from . import settings
from .optim import Both
from .pictures import KINDS
from .quantiser import Quantiser
from .runner import launch
from .train_vae import CROP, picture_loss, psnr, to_tensor
from .vae import Autoencoder


def load(args, device, weights):
    model = Autoencoder(**settings.VAE).to(device, memory_format=torch.channels_last)
    model.load_state_dict(
        torch.load(f'{args.work}/{weights}.pt', map_location=device, weights_only=True)
    )
    quantiser = Quantiser(settings.VAE['codes'], settings.VAE['channels']).to(device)
    quantiser.load_state_dict(
        torch.load(f'{args.work}/quantiser.pt', map_location=device, weights_only=True)
    )
    return model, quantiser.requires_grad_(False)


def stage(run):
    pictures = np.load(f'{run.args.work}/pictures.npy', mmap_mode='r')
    features = np.load(f'{run.args.work}/pictures_features.npy')
    model, quantiser = load(run.args, run.device, 'vae_plain')
    model.encoder.requires_grad_(False)
    model.quant_conv.requires_grad_(False)
    opt = Both(
        model.named_parameters(), 0.008, 1e-3, adam_only=('conv_in', 'conv_out', 'quant_conv')
    )
    cells = CROP // 16

    def loss_of(rng, step):
        which = np.sort(rng.integers(0, len(pictures), settings.DECODER_BATCH // run.world))
        y0, x0 = rng.integers(0, 16 - cells + 1, 2)
        with torch.no_grad():
            f_hat = quantiser.quantise(
                torch.from_numpy(features[which].astype(np.float32)).to(run.device)
            )[2]
        with run.autocast():
            h = model.decoder.low(model.post_quant_conv(f_hat))
            y = model.decoder.high(
                h[:, :, y0 : y0 + cells, x0 : x0 + cells].contiguous(
                    memory_format=torch.channels_last
                )
            ).float()
        x = to_tensor(
            pictures[which, y0 * 16 : y0 * 16 + CROP, x0 * 16 : x0 * 16 + CROP], run.device
        )
        loss, mse = picture_loss(y, x)
        return loss, dict(loss=loss, psnr=psnr(mse))

    average = run.train(model, opt, loss_of, settings.DECODER_STEPS, fall=0.6)
    if run.rank == 0:
        torch.save(average, f'{run.args.work}/vae.pt')


@torch.inference_mode()
def reconstruct(args, weights='vae'):
    """The held-out pictures after encoder, quantiser and decoder, uint8, and the share of codes
    they use.
    """
    model, quantiser = load(args, args.device, weights)
    features = torch.from_numpy(
        np.load(f'{args.work}/held_out_features.npy').astype(np.float32)
    ).to(args.device)
    out, used = [], set()
    for f in features.split(8):
        tokens, _, f_hat = quantiser.quantise(f)
        used.update(tokens.flatten().tolist())
        with torch.autocast(args.device, dtype=torch.bfloat16):
            y = model.decode(f_hat.contiguous(memory_format=torch.channels_last))
        out.append(
            ((y.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        )
    return np.concatenate(out), len(used) / settings.VAE['codes']


def report(args, weights='vae'):
    pictures = np.load(f'{args.work}/held_out.npy')
    again, used = reconstruct(args, weights)
    figures = np.array(
        [
            psnr(torch.tensor(np.square((a / 127.5 - b / 127.5)).mean()))
            for a, b in zip(again, pictures)
        ]
    )
    for k, name in enumerate(KINDS):
        print(f'reconstruction: {name}: {figures[k::len(KINDS)].mean():.2f} dB')
    print(f'reconstruction: mean {figures.mean():.2f} dB, codes in use {used:.3f}', flush=True)
    return again


def main(args):
    launch(stage, 'decoder', args)
    report(args)


if __name__ == '__main__':
    main(settings.arguments(__doc__))
