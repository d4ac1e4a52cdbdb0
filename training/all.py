"""All stages in order, from nothing to the exported model. Whatever a stage has finished is not
done again.
"""

import os

from . import (
    draw,
    encode,
    export,
    settings,
    train_joint,
    train_large,
    train_quantiser,
    train_refiner,
    train_vae,
)

STAGES = (
    (None, draw),
    ('vae_plain.pt', train_vae),
    ('quantiser_plain.pt', train_quantiser),
    ('vae.pt', train_joint),
    (None, encode),
    ('drafter.pt', train_large),
    ('refiner.pt', train_refiner),
)

if __name__ == '__main__':
    parser = settings.parser(__doc__)
    parser.add_argument('--out', default='models/vistas')
    args = parser.parse_args()
    os.makedirs(args.work, exist_ok=True)
    for result, stage in STAGES:
        if stage is draw and settings.CLASS_NAMES:
            continue  # the pictures are there
        if result is None or not os.path.exists(f'{args.work}/{result}'):
            stage.main(args)
    export.export(args.work, args.out, args.seed)
