"""Training goes on after an interruption as if there had been none, and ends when asked to."""

import argparse
import json
import os
import tempfile
import unittest

import torch

from training.optim import Both
from training.runner import Run


class Interrupted(Exception):
    pass


class Trial:
    """A stage of one small matrix, trained towards numbers drawn from (seed, step)."""

    def __init__(self, work, finish=None):
        args = argparse.Namespace(work=work, device='cpu', seed=1, save_seconds=0, finish=finish)
        self.run, self.rates = Run(args, 'trial', 0, 1), []

    def train(self, total, stop=None):
        model = torch.nn.Linear(16, 16)
        opt = Both(model.named_parameters(), 0.1, 0.01)

        def loss_of(rng, step):
            if self.rates and step:
                self.rates[-1] = (step - 1, opt.muon.param_groups[0]['lr'] / 0.1)
            if step == stop:
                raise Interrupted
            self.rates.append((step, None))
            x = torch.from_numpy(rng.standard_normal((4, 16))).float()
            loss = (model(x) - x.flip(1)).square().mean()
            return loss, dict(loss=loss)

        average = self.run.train(model, opt, loss_of, total, every=1000)
        self.rates[-1] = (self.rates[-1][0], opt.muon.param_groups[0]['lr'] / 0.1)
        return average

    def interrupt(self, total, stop):
        try:
            self.train(total, stop)
        except Interrupted:
            return
        raise AssertionError('ran to its end')


class Resuming(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = folder.name

    def steps(self):
        with open(f'{self.work}/trained.json') as f:
            return json.load(f)['trial']

    def test_interruption_changes_nothing(self):
        with tempfile.TemporaryDirectory() as other:
            whole = Trial(other).train(7)
        Trial(self.work).interrupt(7, 3)
        rest = Trial(self.work)
        again = rest.train(7)
        self.assertEqual([step for step, _ in rest.rates], [3, 4, 5, 6])
        for name, value in whole.items():
            torch.testing.assert_close(again[name], value, rtol=0, atol=0)

    def test_end_phase(self):
        """--finish lets the rate fall from that of the checkpoint to nothing, once."""
        Trial(self.work).interrupt(1000, 150)
        phase = Trial(self.work, finish=50)
        phase.interrupt(1000, 170)
        rest = Trial(self.work, finish=50)  # the same command again goes on, and begins no new one
        rest.train(1000)
        self.assertEqual([step for step, _ in phase.rates + rest.rates], list(range(150, 200)))
        for step, rate in phase.rates + rest.rates:
            self.assertAlmostEqual(rate, max((200 - step) / 50, 0.01))
        self.assertEqual(self.steps(), 200)
        plateau = torch.load(f'{self.work}/trial.plateau.ckpt', weights_only=True)
        self.assertEqual((plateau['step'], plateau['end']), (150, None))

    def test_end_phase_within_the_fall(self):
        Trial(self.work).interrupt(200, 160)
        phase = Trial(self.work, finish=10)
        phase.train(200)
        for step, rate in phase.rates:
            self.assertAlmostEqual(rate, max(0.5 * (170 - step) / 10, 0.01))

    def test_nothing_half_written(self):
        Trial(self.work).train(2)
        self.assertEqual(sorted(os.listdir(self.work)), ['trained.json', 'trial.ckpt'])
        self.assertEqual(self.steps(), 2)


if __name__ == '__main__':
    unittest.main()
