"""The latent space of a fitted model, for analyses: codes, their posteriors, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from detectors.contract import Detector, Floats
from detectors.networks.dense import Dense
from detectors.networks.posteriors.base import Parameters
from detectors.networks.posteriors.diagonal import Diagonal
from detectors.networks.posteriors.distances import geodesic, kl_to_prior
from detectors.training.adversarial import GAN
from detectors.training.base import DeepDetector
from detectors.training.prior import PriorAutoencoder
from detectors.training.reconstruction import CodeReconstruction
from detectors.training.variational import VariationalDetector


class LatentSpace:
    """Codes of a fitted model that encodes; nothing leads back from them.

    Args:
        model: the fitted model.
    """

    has_prior = False  # whether the model draws codes from N(0, I), or makes them follow it

    def __init__(self, model: Detector) -> None:
        self.model = model

    def codes(self, x: Floats) -> Floats:
        """Return the codes (n, k) of samples (n, *shape); of a posterior its centre."""
        return self.model.encode(x)


class Decoded(LatentSpace):
    """Codes with a decoder."""

    def __init__(self, model: DeepDetector[Any], decoder: Callable[[Tensor], Tensor]) -> None:
        super().__init__(model)
        self.deep, self._decoder = model, decoder
        self.has_prior = isinstance(model, PriorAutoencoder | VariationalDetector | GAN)

    def decode(self, z: Floats) -> Floats:
        """Return the samples (n, *shape) that codes (n, k) decode to."""
        made = self.deep._read(lambda rows: self._decoder(rows.float()), z)
        return made.reshape(len(z), *cast("tuple[int, ...]", self.model._shape_))

    @property
    def last_layer(self) -> int | None:
        """The index of the layer of the encoder that makes the codes; None without one."""
        layers = getattr(self.deep.net_, "encoder", ())
        return max((i for i, layer in enumerate(layers) if isinstance(layer, Dense)), default=None)

    def hidden(self, x: Floats) -> Floats:
        """Return what the last layer of the encoder gets of samples (n, *shape), (n, h)."""
        seen: list[Tensor] = []
        layer = cast("nn.Sequential", self.deep.net_.encoder)[cast("int", self.last_layer)]
        hook = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        try:
            self.codes(x)
        finally:
            hook.remove()
        return cast("Floats", torch.cat(seen)[: len(x)].double().numpy())

    def codes_of_hidden(self, hidden: Floats) -> Floats:
        """Return the codes (n, k) of inputs (n, h) of the last layer of the encoder."""
        rest = cast("nn.Sequential", self.deep.net_.encoder)[self.last_layer :]
        return self._centres(self.deep._read(lambda rows: rest(rows.float()), hidden))

    def _centres(self, outputs: Floats) -> Floats:
        return outputs


class Posteriors(Decoded):
    """Codes with a posterior q(z|x) and a decoder."""

    def __init__(self, model: VariationalDetector) -> None:
        super().__init__(model, model.net_.restore)
        self.variational, self.family = model, model.net_.family

    @property
    def has_moments(self) -> bool:
        """Whether the posterior is a diagonal Gaussian, so that its units can be taken apart."""
        return isinstance(self.family, Diagonal)

    def codes(self, x: Floats) -> Floats:
        """As `LatentSpace.codes`, whatever the model gives to a head."""
        return self.deep._read(self.variational._code, x)

    def moments(self, x: Floats) -> tuple[Floats, Floats]:
        """Return mu and log sigma^2 (n, k) of a diagonal posterior."""
        mean, log_variance = self._parameters(x)
        return mean.numpy(), log_variance.numpy()

    def kl_by_unit(self, x: Floats) -> Floats:
        """Return the terms (n, k) of KL(q(z|x) || N(0, I)) of a diagonal posterior, in nats."""
        mean, log_variance = self._parameters(x)
        return cast("Floats", kl_to_prior(mean[..., None], log_variance[..., None]).numpy())

    def draws(self, x: Floats, noise: Floats) -> Floats:
        """Return codes (n, k) that q(z|x) makes of normal noise (n, k)."""
        with torch.no_grad():
            z, _ = self.family.draw(self._parameters(x), torch.from_numpy(noise))
        return cast("Floats", z.numpy())

    def between(self, x: Floats, t: Floats) -> tuple[Floats, Floats]:
        """Return mu and sigma (T, k) on the Fisher-Rao geodesic between two samples (2, *shape)."""
        mean, log = self._parameters(x)
        ends = (mean[:1], log[:1]), (mean[1:], log[1:])
        mu, log_variance = geodesic(*ends, torch.from_numpy(t))
        return mu[:, 0].numpy(), (0.5 * log_variance[:, 0]).exp().numpy()

    def _parameters(self, x: Floats) -> Parameters:
        encoder = self.variational.net_.encoder
        outputs = self.deep._read(lambda rows: encoder(rows.float()), self.deep._like_training(x))
        return self.variational._parameters_of(outputs)

    def _centres(self, outputs: Floats) -> Floats:
        centres = self.family.centre(self.variational._parameters_of(outputs))
        return cast("Floats", centres.detach().numpy())


def latent_space(model: Detector) -> LatentSpace:
    """Return the latent space of a fitted model that encodes, with all that the model has."""
    if isinstance(model, DeepDetector) and model.patch:
        return LatentSpace(model)  # codes are means over patches: nothing leads back from them
    if isinstance(model, VariationalDetector):
        return Posteriors(model)
    if isinstance(model, CodeReconstruction):
        return Decoded(model, model.net_.decoder)
    if isinstance(model, GAN):
        return Decoded(model, cast("Callable[[Tensor], Tensor]", model.net_.generator))
    return LatentSpace(model)
