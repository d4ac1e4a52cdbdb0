"""Stage 7, the small transformer as CoDe's refiner: KL divergence from the large one's logits on
scales N.., N random.

All inputs of a pyramid are known while training, so one pass gives the logits of every scale, and
the mean over N is taken exactly instead of drawn: scale k counts as often as N <= k. N of 5 to 9
is what the model is for; 1 to 4 count a quarter, so that the whole curve of the trade-off can be
drawn. The true tokens have a small share in the loss.
"""

import torch
import torch.nn.functional as F

from . import settings
from .optim import Both
from .pyramids import Pyramids, token_weights
from .runner import launch
from .train_large import ADAM_ONLY, transformer
from .var import LENGTH, LEVEL, SCALES, START

FIRST = 1  # the smallest N
N_SHARE = [0] + 4 * [0.25] + 5 * [1.0]


def stage(run):
    torch.manual_seed(run.args.seed)
    pyramids = Pyramids(run.args, run.device)
    teacher = transformer(settings.DRAFTER, 0).to(run.device).eval().requires_grad_(False)
    teacher.load_state_dict(
        torch.load(f'{run.args.work}/drafter.pt', map_location=run.device, weights_only=True)
    )
    model = transformer(settings.REFINER, run.args.seed + 1)
    model.start_from_codebook(pyramids.quantiser.embedding.weight.cpu())
    model.to(run.device)
    opt = Both(model.named_parameters(), 0.02, 3e-3, weight_decay=0.02, adam_only=ADAM_ONLY)
    asked = torch.tensor(N_SHARE).cumsum(0)[LEVEL[START[FIRST] :]].to(run.device)
    weights = token_weights(START[FIRST], LENGTH, run.device) * asked
    weights = weights / weights.sum()

    def loss_of(rng, step):
        classes, inputs, tokens = pyramids.batch(rng, settings.REFINER_BATCH // run.world, SCALES)
        with run.autocast():
            with torch.no_grad():
                aim = teacher(classes, inputs, last=START[FIRST]).float().log_softmax(-1)
            logits = model(classes, inputs, last=START[FIRST]).float()
        kl = F.kl_div(logits.log_softmax(-1), aim, reduction='none', log_target=True).sum(-1)
        ce = F.cross_entropy(logits.transpose(1, 2), tokens[:, START[FIRST] :], reduction='none')
        loss = ((kl + settings.TRUE_TOKEN_SHARE * ce) * weights).sum(1).mean()
        return loss, dict(loss=loss, kl=kl.mean(), ce=ce.mean())

    start = run.start('refiner')
    steps = settings.MORE_REFINER_STEPS if start else settings.REFINER_STEPS
    average = run.train(
        model, opt, loss_of, steps, every=20, decay=0.99, start=start
    )
    if run.rank == 0:
        torch.save(average, f'{run.args.work}/refiner.pt')


def main(args):
    launch(stage, 'refiner', args)


if __name__ == '__main__':
    main(settings.arguments(__doc__))
