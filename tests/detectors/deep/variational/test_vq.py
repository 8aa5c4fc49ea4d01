"""VQ-VAE: its loss, its gradients, its codebook and its prior against plain computations."""

from itertools import product

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist
from scipy.special import log_softmax

from detectors import Unsupported
from detectors.deep.variational.vq import VQVAE, Codebook


@pytest.fixture(scope="module")
def x():
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((90, 2)) @ rng.standard_normal((2, 6))
    return factors + 0.2 * rng.standard_normal((90, 6))


@pytest.fixture(scope="module")
def fitted(x):
    return VQVAE(n_codes=5, code_width=2, epochs=40, seed=1).fit(x)


def by_hand(detector, x):
    """Return outputs of the encoder, nearest entries and their indices, without the codebook."""
    with torch.no_grad():
        z = detector.net_.encoder(torch.from_numpy(x).float()).numpy()
    entries = detector.net_.codebook.entries.numpy()
    codes = cdist(z.reshape(-1, z.shape[-1]), entries).argmin(axis=1).reshape(z.shape[:2])
    return z, codes, entries[codes]


def decoded(detector, entries):
    with torch.no_grad():
        return detector.net_.decoder(torch.from_numpy(entries)).numpy()


def test_the_loss_is_the_error_of_the_entries_and_the_commitment_to_them(x, fitted):
    z, _, entries = by_hand(fitted, x)
    error = ((x - decoded(fitted, entries)) ** 2).mean(axis=1)
    commitment = ((z - entries) ** 2).mean(axis=(1, 2))
    with torch.no_grad():
        losses = VQVAE(commitment=0.5)._losses(fitted.net_, torch.from_numpy(x).float(), None)
    assert_allclose(losses.numpy(), error + 0.5 * commitment, rtol=1e-4)


def test_the_gradient_of_the_decoders_input_is_that_of_the_encoders_output(x, fitted):
    net, rows = fitted.net_, torch.from_numpy(x).float()
    encoder = list(net.encoder.parameters())
    found = torch.autograd.grad(fitted._losses(net, rows, None).sum(), encoder)
    z = net.encoder(rows)
    entries = torch.from_numpy(by_hand(fitted, x)[2])
    given = entries.clone().requires_grad_()
    (pull,) = torch.autograd.grad((net.decoder(given) - rows).square().mean(1).sum(), given)
    pull = pull + 2 * 0.25 * (z.detach() - entries) / z[0].numel()  # and of the commitment
    for one, other in zip(found, torch.autograd.grad(z, encoder, pull), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
    assert not any("codebook" in name for name, _ in net.named_parameters())


def test_entries_are_exponential_averages_of_the_outputs_that_take_them():
    rng = np.random.default_rng(3)
    book = Codebook(4, 2)
    book.entries.copy_(torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0], [90.0, 90.0]]))
    entries, counts, sums = book.entries.numpy().copy(), np.zeros(4), np.zeros((4, 2))
    for decay in (0.0, 0.6, 0.9):
        z = rng.normal(1, 2, (50, 2)).astype(np.float32)
        nearest = cdist(z, entries).argmin(axis=1)
        for k in range(3):
            counts[k] = decay * counts[k] + (1 - decay) * (nearest == k).sum()
            sums[k] = decay * sums[k] + (1 - decay) * z[nearest == k].sum(axis=0)
            entries[k] = sums[k] / counts[k]
        book.follow(torch.from_numpy(z), decay)
        assert_allclose(book.entries.numpy(), entries, rtol=1e-4)
    assert_array_equal(entries[3], [90, 90])  # never taken


def test_an_epoch_decays_the_averages_by_all_its_steps(x):
    class Recorded(Codebook):
        decays = ()

        def follow(self, z, decay):
            self.decays = (*self.decays, decay)

    detector = VQVAE(epochs=0, decay=0.9, batch_size=32).fit(x)
    net, (phase, prior) = detector.net_, detector._phases()
    net.codebook = Recorded(64, 8)
    rows = torch.from_numpy(x).float()
    for epoch in (0, 1):
        detector._renew(net, rows, phase, epoch)
        detector._renew(net, rows, prior, epoch)
    assert_allclose(net.codebook.decays, [0, 0.9**3])


def test_the_prior_is_a_distribution_of_code_maps_that_looks_back_alone():
    detector = VQVAE(n_codes=3, code_width=2, latent_dim=3, epochs=3)
    net = detector.fit(np.random.default_rng(0).normal(size=(40, 5))).net_
    maps = torch.tensor(list(product(range(3), repeat=3)))
    entries = net.codebook.entries[maps]
    with torch.no_grad():
        assert_allclose(np.exp(-net.code_nll(maps, entries).numpy()).sum(), 1, rtol=1e-5)
        logits = net.prior(entries)
        for i in range(3):
            changed = entries.clone()
            changed[:, i] += 1
            moved = (net.prior(changed) != logits).any(dim=(0, 2)).tolist()
            assert moved == [j > i for j in range(3)]


def test_the_readouts_are_those_of_the_nearest_entries(x, fitted):
    z, codes, entries = by_hand(fitted, x)
    error = ((x - decoded(fitted, entries)) ** 2).mean(axis=1)
    assert_allclose(fitted.score(x), error, rtol=1e-4)
    distance = ((z - entries) ** 2).sum(axis=2).mean(axis=1)
    assert_allclose(fitted.score(x, "codebook-distance"), distance, rtol=1e-3, atol=1e-6)
    with torch.no_grad():
        log_p = log_softmax(fitted.net_.prior(torch.from_numpy(entries)).numpy(), axis=-1)
    nll = -np.take_along_axis(log_p, codes[..., None], axis=-1).sum(axis=(1, 2))
    assert_allclose(fitted.score(x, "code-likelihood"), nll, rtol=1e-4)
    assert_allclose(fitted.encode(x), z.reshape(len(x), -1), rtol=1e-4, atol=1e-6)


def test_the_perplexity_is_that_of_the_codes_of_the_training_samples(x, fitted):
    _, counts = np.unique(by_hand(fitted, x)[1], return_counts=True)
    shares = counts / counts.sum()
    perplexity = np.prod(shares**-shares)
    assert_allclose(fitted.diagnostics_["perplexity"], perplexity, rtol=1e-6)
    assert 1 < perplexity <= 5


def test_both_phases_lower_their_losses(x, fitted):
    errors, predictions = fitted.curves_["loss"], fitted.curves_["loss of prior"]
    assert errors[-1] < 0.7 * errors[0]
    assert predictions[-1] < 0.8 * predictions[0]


def test_an_image_has_a_map_of_codes_and_scores_alike_in_any_company():
    images = np.random.default_rng(0).normal(size=(40, 1, 8, 8)).astype(np.float32)
    detector = VQVAE(epochs=1).fit(images)
    assert detector.encode(images).shape == (40, 4 * 4 * 8)
    for readout in detector.readouts:
        scores = detector.score(images, readout)
        assert_array_equal(detector.score(images[::-1], readout), scores[::-1])
        assert_array_equal(detector.score(images[:1], readout), scores[:1])


def test_a_number_of_codes_is_refused_for_images_and_says_why():
    images = np.zeros((40, 1, 8, 8), dtype=np.float32)
    with pytest.raises(Unsupported, match="latent_dim is for vectors, images have one code"):
        VQVAE(latent_dim=4).fit(images)
    VQVAE(latent_dim=4, flatten=True, epochs=0).fit(images)
