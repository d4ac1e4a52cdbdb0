"""Runs a training stage: worker processes that share the gradient, checkpoints, progress lines.

On CPUs one single-threaded process a core beats one process with many threads: no thread ever
waits for a core that another program holds. On CUDA there is one process. Each worker draws its
own random numbers from (seed, step, rank).
"""

import ctypes
import datetime
import json
import os
import shutil
import time

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from . import precision
from .optim import Average, trapezoid


class Run:
    """What a stage's worker needs to know: where it runs, which share is its own, and the loop
    over the steps.
    """

    def __init__(self, args, name, rank, world):
        self.args, self.name, self.rank, self.world = args, name, rank, world
        self.device = torch.device(args.device)
        self.path = f'{args.work}/{name}.ckpt'
        torch.manual_seed(args.seed)

    def generator(self, step):
        return np.random.default_rng((self.args.seed, step, self.rank))

    def start(self, name):
        """The weights that `training.unpack` put down for a stage to go on from, or None."""
        path = f'{self.args.work}/{name}_start.pt'
        if not os.path.exists(path):
            return None
        return torch.load(path, map_location=self.device, weights_only=True)

    def autocast(self):
        return precision.autocast(self.device.type)

    def average_gradients(self, params):
        if self.world == 1:
            return
        flat = torch.cat([p.grad.flatten() for p in params])
        dist.all_reduce(flat)
        flat /= self.world
        for p, g in zip(params, flat.split([p.numel() for p in params])):
            p.grad = g.view_as(p)

    def train(self, module, opt, loss_of, total, every=50, decay=0.998, start=None, fall=0.4):
        """loss_of(rng, step) -> (loss, {name: figure}). Returns the averaged parameters {name:
        tensor}.

        start: parameters to begin with if there is no checkpoint yet.
        """
        if start:
            module.load_state_dict(start, strict=False)
        average, saved = Average(module, decay), self.load(module, opt)
        if saved:
            average.values, average.steps = saved['average'], saved['step']
        first = saved['step'] if saved else 0
        total, fall, ending = self.schedule(saved, total, fall)
        figures, begin = {}, time.time()
        last_save = begin
        for step in range(first, total):
            loss, now = loss_of(self.generator(step), step)
            loss.backward()
            self.average_gradients(opt.params)
            opt.step(trapezoid(step, total, fall=fall))
            average.update(module)
            for k, v in now.items():
                v = float(v.detach()) if torch.is_tensor(v) else v
                figures[k] = v if k not in figures else 0.97 * figures[k] + 0.03 * v
            done = step + 1
            if self.rank:
                continue
            if done % every == 0 or done == total:
                self.report(done, total, time.time() - begin, done - first, figures)
            if time.time() - last_save >= self.args.save_seconds or done == total:
                end = (total, fall) if ending else None
                self.save(module, opt, average, done, end)
                last_save = time.time()
        if self.rank == 0:
            note_steps(self.args.work, self.name, max(first, total))
        return average.values

    def schedule(self, saved, total, fall):
        """-> (steps in all, the share of them in which the learning rate falls, whether this is
        an end phase). `--finish` begins one at the checkpoint, which is kept for training to go
        on from without it; a checkpoint from within an end phase goes on with that.
        """
        if saved and saved.get('end'):
            return *saved['end'], True
        if self.args.finish is None:
            return total, fall, False
        first = saved['step'] if saved else 0
        if saved and self.rank == 0:
            shutil.copy(self.path, f'{self.args.work}/{self.name}.plateau.ckpt')
        end = first + self.args.finish
        return end, self.args.finish / end / trapezoid(first, total, fall=fall), True

    def report(self, done, total, seconds, steps, figures):
        text = ' '.join(f'{k} {v:.4f}' for k, v in figures.items())
        print(
            f'{self.name}: {done}/{total} {seconds:.0f} s, '
            f'{seconds / steps * (total - done):.0f} s left: {text}',
            flush=True,
        )

    def load(self, module, opt):
        """The checkpoint, or None."""
        if not os.path.exists(self.path):
            return None
        saved = torch.load(self.path, map_location=self.device, weights_only=True)
        module.load_state_dict(saved['module'])
        opt.load_state_dict(saved['opt'])
        return saved

    def save(self, module, opt, average, step, end):
        """Replaces the checkpoint; a kill at any moment leaves the old one or the new one whole."""
        state = dict(
            module=module.state_dict(),
            opt=opt.state_dict(),
            average=average.values,
            step=step,
            end=end,
        )
        torch.save(state, self.path + '.tmp')
        os.replace(self.path + '.tmp', self.path)


def note_steps(work, name, steps):
    """Notes in work/trained.json what a stage did, for the metadata of the weights."""
    path = f'{work}/trained.json'
    noted = {}
    if os.path.exists(path):
        with open(path) as f:
            noted = json.load(f)
    with open(path + '.tmp', 'w') as f:
        json.dump(noted | {name: steps}, f)
    os.replace(path + '.tmp', path)


def keep_freed_memory():
    """Has glibc keep what tensors free instead of giving it back to the system.

    Otherwise every large tensor is mapped again and each of its pages cleared once more, a
    tenth of a step. (M_MMAP_MAX = 0, M_TRIM_THRESHOLD = 2 GiB; other C libraries have no mallopt.)
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt:
        mallopt(-4, 0)
        mallopt(-1, 2**31 - 1)


def _worker(rank, world, stage, name, args, port):
    if args.device == 'cpu':
        torch.set_num_threads(1)
        keep_freed_memory()
    if world > 1:
        dist.init_process_group(
            'gloo',
            init_method=f'tcp://127.0.0.1:{port}',
            timeout=datetime.timedelta(days=30),  # workers may be stopped in an exchange
            rank=rank,
            world_size=world,
        )
    stage(Run(args, name, rank, world))
    if world > 1:
        dist.destroy_process_group()


def launch(stage, name, args):
    """Calls stage(Run) in every worker process and waits."""
    world = args.workers if args.device == 'cpu' else 1
    if world == 1:
        _worker(0, 1, stage, name, args, 0)
    else:
        mp.spawn(_worker, (world, stage, name, args, 20000 + os.getpid() % 20000), world)
