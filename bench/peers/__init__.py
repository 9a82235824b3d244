"""The subjects: capmix, and what a user would pick instead. A new one is a file with a `solve` and a line here."""

from __future__ import annotations

from .adapter import Subject

_HIGHS = [
    Subject(
        f"highs-{form}-{method}",
        f"HiGHS {form}, {name}",
        "highs",
        ("highspy",) if method != "hipo" else ("highspy", "highspy-extras"),
        {"form": form, "method": method},
    )
    for form in ("dual", "primal")
    for method, name in (("simplex", "simplex"), ("ipx", "IPX"), ("hipo", "HiPO"), ("pdlp", "PDLP"))
]

SUBJECTS: dict[str, Subject] = {
    subject.key: subject
    for subject in (
        Subject("capmix", "capmix", "own", ("capmix",)),
        Subject("capmix-cuts", "capmix, cuts only", "own", ("capmix",), {"engine": "cuts"}),
        Subject("capmix-newton", "capmix, second order", "own", ("capmix",), {"engine": "newton"}),
        Subject("capmix-1e-6", "capmix, gap 1e-6", "own", ("capmix",), {"gap": "1e-6"}),
        *_HIGHS,
        Subject("clarabel", "Clarabel primal", "clarabel", ("clarabel",)),
        Subject("skfolio", "skfolio (Clarabel)", "skfolio", ("skfolio",)),
        Subject("riskfolio", "Riskfolio-Lib (Clarabel)", "riskfolio", ("riskfolio-lib",)),
        Subject("cvqp", "CVQP default", "cvqp", ("cvqp",), {"precision": "default"}),
        Subject("cvqp-tight", "CVQP tight", "cvqp", ("cvqp",), {"precision": "tight"}),
        Subject("cvqp-tightest", "CVQP tightest", "cvqp", ("cvqp",), {"precision": "tightest"}),
        Subject("mpi-sppy", "mpi-sppy (HiGHS)", "sppy", ("mpi-sppy", "pyomo", "highspy")),
        Subject("cuopt", "cuOpt", "devices", ("cuopt-cu13",), {"peer": "cuopt"}, gpu=True),
        Subject("cupdlpx", "cuPDLPx", "devices", ("cupdlpx",), {"peer": "cupdlpx"}, gpu=True),
    )
}
