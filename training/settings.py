"""Every number that shapes the model and its training, and the arguments that all stages share."""

import argparse
import json
import os

CLASSES = 16
CLASS_NAMES = None  # of own pictures; None: those that training.pictures draws
PATCH_NUMS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16)
VAE = dict(codes=1024, channels=16, ch=16, ch_mult=(1, 2, 4, 4, 8), res_blocks=1, groups=4)
DRAFTER = dict(depth=5, width=256)
REFINER = dict(depth=4, width=128)

PICTURES, FIRST_SEED = 32_000, 1000  # 2,000 of each kind
HELD_OUT, FIRST_HELD_OUT_SEED = 320, 500_000  # 20 of each kind, for reconstruction figures

VAE_STEPS, VAE_BATCH = 1800, 12
TOKEN_PICTURES = 32_000  # of the training set, for the transformers
QUANTISER_STEPS, QUANTISER_PICTURES = 700, 2048
JOINT_STEPS, JOINT_BATCH = 200, 4
LARGE_STEPS = 480, 100, 380  # scales 0-7 only; all scales; scales below a random N
COARSE_BATCH, FULL_BATCH = 16, 8
MORE_LARGE_STEPS = 20_000  # after `training.unpack`: three of four steps on scales 0-7 only
HARD_KINDS = 6, 11, 12, 13, 14  # dunes, stars, nebulae, planets: drawn twice as often
REFINER_STEPS, REFINER_BATCH, TRUE_TOKEN_SHARE = 120, 8, 0.5
MORE_REFINER_STEPS = 8000

# A model of own pictures has other numbers (training.own). The processes of a stage read them too.
globals().update(json.loads(os.environ.get('TRAINING_SETTINGS', '{}')))


def parser(description):
    """The arguments that every stage takes."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        '--work', default='build/training', help='folder of intermediate files and checkpoints'
    )
    parser.add_argument('--device', default='cpu', help='cpu or cuda')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument(
        '--workers', type=int, default=os.cpu_count(), help='processes that draw or train'
    )
    parser.add_argument(
        '--save-seconds', type=float, default=180, help='time between two checkpoints'
    )
    parser.set_defaults(finish=None)
    return parser


def arguments(description):
    """The arguments of one stage."""
    stage = parser(description)
    stage.add_argument(
        '--finish',
        type=int,
        metavar='STEPS',
        help='end phase: let the learning rate fall to nothing within STEPS more steps',
    )
    args = stage.parse_args()
    os.makedirs(args.work, exist_ok=True)
    return args
