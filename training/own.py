"""Own pictures: from a folder of images, with a subfolder for each class, to a model with its
manifest, in one command.

    python -m training.own --pictures FOLDER --out models/mine

The name of a subfolder is the name of its class. Images of any size are cropped to their middle
square and scaled to 256 x 256. Of each class, a tenth (at least one, if there are two) is held out
for the figures of the reconstruction. Whatever a stage has finished is not done again, as in
training.all, so the same command goes on where it was interrupted.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from . import settings

SIDE = 256
ENDINGS = {'.png', '.jpg', '.jpeg', '.webp', '.bmp', '.tif', '.tiff', '.ppm'}
LEAST = 64  # pictures of a training set: smaller sets are repeated, mirrored every other time


def classes_of(folder):
    """{class name: paths of its images}, both in order."""
    classes = {}
    for sub in sorted(p for p in Path(folder).iterdir() if p.is_dir()):
        paths = sorted(p for p in sub.iterdir() if p.suffix.lower() in ENDINGS)
        if not paths:
            sys.exit(f'{sub}: found no image, expected some of {", ".join(sorted(ENDINGS))}')
        classes[sub.name] = paths
    if not classes:
        sys.exit(f'{folder}: found no subfolder, expected one for each class')
    return classes


def load(path):
    """The middle square as (256, 256, 3) uint8."""
    try:
        image = Image.open(path).convert('RGB')
    except (OSError, UnidentifiedImageError) as error:
        sys.exit(f'{path}: not an image that can be read: {error}')
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box))


def arrange(classes, each):
    """`each` pictures of every class, class = index mod the number of classes, as all stages
    expect. Repeats are mirrored every other time.
    """
    out = np.empty((each * len(classes), SIDE, SIDE, 3), np.uint8)
    for k, images in enumerate(classes):
        for i in range(each):
            image = images[i % len(images)]
            out[k + i * len(classes)] = image[:, ::-1] if i // len(images) % 2 else image
    return out


def prepare(classes, work):
    """Writes work/pictures.npy and work/held_out.npy; returns how many pictures they have."""
    images = [[load(path) for path in paths] for paths in classes.values()]
    held = [max(1, len(i) // 10) if len(i) > 1 else 0 for i in images]
    train = [i[h:] for i, h in zip(images, held)]
    each = max(2 * max(map(len, train)), -(-LEAST // len(classes)))
    pictures = arrange(train, each)
    tests = arrange([i[: h or 1] for i, h in zip(images, held)], max(max(held), 1))
    np.save(f'{work}/pictures.npy', pictures)
    np.save(f'{work}/held_out.npy', tests)
    return len(pictures), len(tests)


def overrides(classes, pictures, held_out, share):
    """The settings of this training set. `share`: of the steps that vistas takes."""
    steps = lambda n: max(1, round(n * share))
    return dict(
        CLASSES=len(classes),
        CLASS_NAMES=list(classes),
        HARD_KINDS=[],
        PICTURES=pictures,
        HELD_OUT=held_out,
        TOKEN_PICTURES=pictures,
        QUANTISER_PICTURES=min(settings.QUANTISER_PICTURES, pictures),
        LARGE_STEPS=[steps(n) for n in settings.LARGE_STEPS],
        **{
            name: steps(getattr(settings, name))
            for name in ('VAE_STEPS', 'QUANTISER_STEPS', 'JOINT_STEPS', 'REFINER_STEPS')
        },
    )


def write_manifest(path, name, classes):
    """JSON's strings are YAML's as well."""
    lines = [
        '# Trained by training.own. docs/models.md describes the keys.',
        f'name: {json.dumps(name)}',
        f'patch_nums: {list(settings.PATCH_NUMS)}',
        'class_names:',
        *(f'  - {json.dumps(c, ensure_ascii=False)}' for c in classes),
        f'vae: {{file: vae.safetensors, groups: {settings.VAE["groups"]}}}',
        'drafter: {file: drafter.safetensors}',
        'refiner: {file: refiner.safetensors}',
        'defaults: {drafting_steps: 8, guidance: 3.0, top_k: 100, top_p: 0.8, temperature: 1.0}',
    ]
    with open(path, 'w', encoding='utf-8') as file:
        file.write('\n'.join(lines) + '\n')


def main():
    parser = settings.parser(__doc__)
    parser.set_defaults(work='build/own')
    parser.add_argument('--pictures', required=True, help='folder with a subfolder for each class')
    parser.add_argument('--out', default='models/own', help='folder of the model')
    parser.add_argument(
        '--share', type=float, default=1.0, help='of the steps that the bundled model took at first'
    )
    args = parser.parse_args()
    classes = classes_of(args.pictures)
    os.makedirs(args.work, exist_ok=True)
    count, held_out = prepare(classes, args.work)
    changed = overrides(classes, count, held_out, args.share)
    print(f'own: {len(classes)} classes, {count} pictures, {held_out} held out', flush=True)
    command = [sys.executable, '-m', 'training.all', '--work', args.work, '--out', args.out]
    for option in ('device', 'seed', 'workers'):
        command += [f'--{option}', str(getattr(args, option))]
    command += ['--save-seconds', str(args.save_seconds)]
    environment = dict(os.environ, TRAINING_SETTINGS=json.dumps(changed))
    if subprocess.run(command, env=environment).returncode:
        sys.exit('own: a stage failed; the same command goes on after the cause is mended')
    name = os.path.basename(os.path.normpath(args.out))
    write_manifest(f'{args.out}/{name}.yaml', name, classes)
    print(f'own: {args.out}/{name}.yaml; code-image --model {args.out} --class all --sheet 4 '
          '--output gallery.png', flush=True)


if __name__ == '__main__':
    main()
