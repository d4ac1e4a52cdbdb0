"""Stages 5 and 6, the large transformer: cross-entropy on all ten scales, then the specialised
training as a drafter.

First the coarse scales alone (255 of 680 tokens, so three times the pictures a second), then all
ten, and at last CoDe's drafter training: cross-entropy on the scales below a random N of 5 to 10.
Every second step of that has N = 10: the same weights are the refiner's teacher, which must know
all ten scales. A model that `training.unpack` brought knows them; it goes on with N = 8 in three of
four steps and N = 10 in the fourth, for the coarse scales decide what a picture shows.
"""

import torch
import torch.nn.functional as F

from . import settings
from .optim import Both
from .pyramids import Pyramids, token_weights
from .runner import launch
from .var import SCALES, START, Transformer

ADAM_ONLY = ('emb', 'embed', 'pos_', 'head', 'ada_lin')


def transformer(spec, seed):
    return Transformer(
        **spec,
        codes=settings.VAE['codes'],
        channels=settings.VAE['channels'],
        classes=settings.CLASSES,
        seed=seed,
    )


def cross_entropy(run, model, pyramids, rng, scales, count):
    """-> loss, figures"""
    length = START[scales]
    classes, inputs, tokens = pyramids.batch(rng, count, scales)
    with run.autocast():
        logits = model(classes, inputs, length=length).float()
    ce = F.cross_entropy(logits.transpose(1, 2), tokens, reduction='none')
    loss = (ce * token_weights(0, length, run.device)).sum(1).mean()
    bands = dict(coarse=(0, 5), middle=(5, 8), fine=(8, SCALES))
    figures = {n: ce[:, START[a] : START[b]].mean() for n, (a, b) in bands.items() if scales >= b}
    return loss, dict(loss=loss) | figures


def scales_of(step, coarse, full):
    """How many scales, the first ones, a step of the training is about."""
    if step < coarse:
        return 8
    step -= coarse + full
    return SCALES if step < 0 or step % 2 == 0 else 5 + step // 2 % 5


def scales_of_more(step):
    """The same for a model that `training.unpack` brought."""
    return SCALES if step % 4 == 0 else 8


def stage(run):
    torch.manual_seed(run.args.seed)
    pyramids = Pyramids(run.args, run.device)
    model = transformer(settings.DRAFTER, run.args.seed)
    model.start_from_codebook(pyramids.quantiser.embedding.weight.cpu())
    model.to(run.device)
    opt = Both(model.named_parameters(), 0.02, 3e-3, weight_decay=0.02, adam_only=ADAM_ONLY)
    start = run.start('drafter')
    coarse, full, random_n = settings.LARGE_STEPS
    total = settings.MORE_LARGE_STEPS if start else coarse + full + random_n

    def loss_of(rng, step):
        scales = scales_of_more(step) if start else scales_of(step, coarse, full)
        count = settings.COARSE_BATCH if scales <= 8 else settings.FULL_BATCH
        return cross_entropy(run, model, pyramids, rng, scales, count // run.world)

    average = run.train(
        model,
        opt,
        loss_of,
        total,
        every=20,
        decay=0.99,
        start=start,
    )
    if run.rank == 0:
        torch.save(average, f'{run.args.work}/drafter.pt')


def main(args):
    launch(stage, 'large', args)


if __name__ == '__main__':
    main(settings.arguments(__doc__))
