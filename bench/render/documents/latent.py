"""What is found in a latent space, as a page of numbers."""

from __future__ import annotations

from collections.abc import Iterator

from bench.latent.holes import N_DRAWS
from bench.latent.study import Study
from bench.render.table import Column, Page, Table, plain
from detectors.training.variational import ACTIVE

SHOWN = 10  # units and components in a table


def page(study: Study) -> Page:
    """Return the page: a line for each component or unit, and sentences on the rest."""
    return Page(study.title, (Table("", text=(study.caption,)), *_tables(study)))


def _tables(study: Study) -> Iterator[Table]:
    spectra = study.spectra.values()
    rows = [
        (i, *(f"{v:.3g}" for v in each)) for i, each in enumerate(zip(*spectra, strict=True), 1)
    ]
    yield plain(
        "Variance of the principal components of training codes",
        [Column("component"), *map(Column, study.spectra)],
        rows[:SHOWN],
        notes=(
            *_rest(len(rows)),
            *["A variance of 0 of the means, and near 1 of samples: the component carries nothing."]
            * ("means" in study.spectra),
        ),
    )
    if (units := study.units) is not None:
        pairs = zip(units.kl, units.variances, strict=True)
        rows = [(i, f"{kl:.3g}", f"{variance:.3g}") for i, (kl, variance) in enumerate(pairs, 1)]
        yield plain(
            f"Units: {units.n_active} of {len(units.kl)} are active",
            (Column("unit"), Column("KL (nats)"), Column("variance of mu")),
            rows[:SHOWN],
            notes=(*_rest(len(rows)), f"Active: the variance of mu is above {ACTIVE:g}."),
        )
    if study.active:
        yield plain(
            "Active units by latent size",
            (Column("latent size"), Column("active units")),
            study.active.items(),
        )
    if study.separable:
        yield plain(
            "Linear separability of normal samples and anomalies",
            (Column("codes", "text"), Column("AUROC"), Column("95 %", "text")),
            [
                (name, f"{each.auroc:.3f}", f"[{each.low:.3f}, {each.high:.3f}]")
                for name, each in study.separable.items()
            ],
            notes=(
                "An analysis with test labels, cross-validated: what the codes hold, not what a "
                "score finds.",
            ),
        )
    if (prior := study.prior) is not None:
        yield Table(
            "Holes",
            text=(
                f"{prior.n_holes} of {N_DRAWS} draws of the prior ({prior.n_holes / N_DRAWS:.0%}) "
                f"decode to samples whose codes are farther than {prior.limit:.3g} from them; of "
                "training samples 5 % are.",
            ),
        )


def _rest(n: int) -> list[str]:
    return [f"The first {SHOWN} of {n}."] * (n > SHOWN)
