"""Every trained encoder feeds every shallow head: finite scores that separate far samples."""

import numpy as np
import pytest

from detectors import Unsupported, make
from detectors.compose import Hybrid
from detectors.conformance.subject import N_FAR, Subject, brought_within
from detectors.factory import make_model
from detectors.registry import TABLE, find
from detectors.spec import parse
from tests.helpers.quick import QUICK

HEADS = ("findout", "gmm", "iforest", "kde", "kmeans", "knn", "lof", "ocsvm")
ENCODERS = [name for name in TABLE if find(name).encodes and find(name).takes_epochs]


@pytest.mark.parametrize("name", ENCODERS)
def test_every_head_scores_the_codes_of_the_encoder_and_far_samples_higher(name):
    subject = Subject(name)
    x, z = (brought_within(samples, subject.bounds) for samples in subject.samples)
    settings = QUICK["goad"] if name == "goad" else {}
    encoder = make_model(parse(name), epochs=4, **settings).fit(x)
    for head in HEADS:
        hybrid = Hybrid(encoder=encoder, head=make(head))
        if head == "findout" and encoder.encode(x).shape[1] > 6:
            with pytest.raises(Unsupported, match=r"more than 2\^18 cells; take at most 6"):
                hybrid.fit_head(x)
            continue
        scores = hybrid.fit_head(x).score(z)
        assert np.isfinite(scores).all(), head
        assert scores[-N_FAR:].mean() > scores[:-N_FAR].mean(), head
