"""What was done, in words for a paper: only what was really run, with versions and sources."""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType

import harken
from harken.insight.picture import many
from harken.studies.statistics import Comparison

CITATIONS: Mapping[str, str] = MappingProxyType(
    {
        "Kaplan-Meier": "Kaplan EL, Meier P. Nonparametric estimation from incomplete "
        "observations. Journal of the American Statistical Association 53 (1958) 457-481.",
        "bootstrap": "Field CA, Welsh AH. Bootstrapping clustered data. Journal of the Royal "
        "Statistical Society B 69 (2007) 369-390.",
        "Cox": "Cox DR. Regression models and life-tables. Journal of the Royal Statistical "
        "Society B 34 (1972) 187-220.",
        "robust by cluster": "Lin DY, Wei LJ. The robust inference for the Cox proportional "
        "hazards model. Journal of the American Statistical Association 84 (1989) 1074-1078.",
        "proportional": "Grambsch PM, Therneau TM. Proportional hazards tests and diagnostics "
        "based on weighted residuals. Biometrika 81 (1994) 515-526.",
        "GEE": "Liang KY, Zeger SL. Longitudinal data analysis using generalized linear models. "
        "Biometrika 73 (1986) 13-22.",
        "few children": "Kauermann G, Carroll RJ. A note on the efficiency of sandwich covariance "
        "matrix estimation. Journal of the American Statistical Association 96 (2001) 1387-1396. "
        "Bell RM, McCaffrey DF. Bias reduction in standard errors for linear regression with "
        "multi-stage samples. Survey Methodology 28 (2002) 169-181.",
        "mixed model": "Laird NM, Ware JH. Random-effects models for longitudinal data. "
        "Biometrics 38 (1982) 963-974.",
        "Hedges' g": "Hedges LV. Distribution theory for Glass's estimator of effect size and "
        "related estimators. Journal of Educational Statistics 6 (1981) 107-128.",
        "circular": "Mardia KV, Jupp PE. Directional statistics. Wiley, 2000.",
        "Rayleigh": "Zar JH. Biostatistical analysis, 5th edition. Pearson, 2010.",
        "permutation": "Good P. Permutation, parametric and bootstrap tests of hypotheses, 3rd "
        "edition. Springer, 2005.",
        "Holm": "Holm S. A simple sequentially rejective multiple test procedure. Scandinavian "
        "Journal of Statistics 6 (1979) 65-70.",
        "lifelines": "Davidson-Pilon C. lifelines: survival analysis in Python. Journal of Open "
        "Source Software 4 (2019) 1317.",
        "statsmodels": "Seabold S, Perktold J. statsmodels: econometric and statistical modeling "
        "with Python. Proceedings of the 9th Python in Science Conference, 2010.",
        "scipy": "Virtanen P and others. SciPy 1.0: fundamental algorithms for scientific "
        "computing in Python. Nature Methods 17 (2020) 261-272.",
    }
)
"""Source of each method and package that may have been used."""

_PACKAGES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"lifelines": ("Cox",), "statsmodels": ("GEE", "mixed model"), "scipy": ("bootstrap",)}
)
"""Which methods each package fits."""


def versions(found: Comparison) -> dict[str, str]:
    """Give the versions of what was run.

    Parameters
    ----------
    found : Comparison

    Returns
    -------
    dict of str to str
        Harken, Python, NumPy and pandas, and the packages whose methods were used.
    """
    packages = [name for name, which in _PACKAGES.items() if set(which) & set(found.used)]
    made = {"Harken": harken.__version__, "Python": platform.python_version()}
    for name in ("numpy", "pandas", *packages):
        try:
            made[name] = version(name)
        except PackageNotFoundError:
            continue
    return made


def methods(found: Comparison) -> str:
    """Write the methods paragraph of a comparison, and its sources.

    Parameters
    ----------
    found : Comparison

    Returns
    -------
    str
        Plain text: paragraphs, then numbered sources. Read it before it goes into a paper: it
        says how numbers were made, and not whether they answer the question.
    """
    numbers = {name: k for k, name in enumerate(_cited(found), start=1)}

    def of(*names: str) -> str:
        cited = ", ".join(str(numbers[name]) for name in names if name in numbers)
        return f" [{cited}]" if cited else ""

    used = set(found.used)
    level = f"{found.level * 100:g} %"
    said = [
        f"{many(found.episodes, 'cry episode')} of {many(found.children, 'child', 'children')} "
        + (f"were analysed in {len(found.groups)} groups ({_sizes(found)})" if found.groups[1:]
           else "were analysed")
        + ". Children, and not episodes, were taken as what was sampled.",
    ]  # fmt: skip
    if found.made:
        said.append(found.made)
    if found.censored:
        said.append(
            f"In {many(found.censored, 'episode')} nobody had answered by the end of the crying "
            "or of watching; the response latency was right-censored at that time. Censoring was "
            "taken to tell nothing of when the answer would have come; where crying ends sooner "
            "because an answer is near or far, this does not hold. Shares answered within a time "
            "are those that there would be, had no crying ended by itself."
        )
    sized = any("Kaplan" in one.model for one in found.effects)
    within = " within groups" if found.groups[1:] and found.nested else ""
    said.append(
        "Medians and shares answered within a time are Kaplan-Meier estimates"
        + of("Kaplan-Meier")
        + f". Their {level} intervals"
        + (", and those of ratios and differences between groups," if sized else "")
        + f" come from {found.times} draws of whole children with replacement{within} (seed "
        f"{found.seed})"
        + of("bootstrap")
        + ": the spread of what was drawn, times the root of children over children less one, "
        "with t of children less one degrees of freedom"
        + (
            " (between groups Welch's, and no more than for groups that spread alike)"
            if within and sized
            else ""
        )
        + "; of the logarithm for medians and their ratios."
    )
    if any(one.crying_min_h.value is not None for one in found.groups):
        said.append(
            "Crying in an hour is the mean over children of crying by time heard, with Student's "
            "interval."
        )
    if "Cox" in used:
        said.append(
            "Latencies were compared by Cox regression, ties by Efron's method"
            + of("Cox")
            + ", with errors clustered by child"
            + of("robust by cluster")
            + "; the hazard ratio is that over all children, and not that within a child, as no "
            "shared frailty was fitted."
            + (
                " Whether hazards were proportional was tested by the score test of a change with "
                "the rank of time" + of("proportional") + ", clustered by child too."
                if "proportional" in used
                else ""
            )
        )
    known = [one for one in found.effects if one.estimate.value is not None]
    kinds = {
        one.outcome: "logit link" if "logit" in one.model else "rows weighted by time heard"
        for one in known
        if one.model.startswith("GEE")
    }
    if "GEE" in used and kinds:
        said.append(
            "Generalised estimating equations with an exchangeable correlation within child"
            + of("GEE")
            + " were used for: "
            + ", ".join(f"{outcome} ({kind})" for outcome, kind in kinds.items())
            + "."
        )
    if "few children" in used:
        said.append(
            "Errors of Cox regression and estimating equations are sandwich estimates over "
            "children, corrected for few of them, and intervals and tests use t with "
            "Satterthwaite's degrees of freedom" + of("few children") + "."
        )
    if "mixed model" in used:
        said.append(
            "The logarithm of crying in an episode was modelled with an intercept for each child, "
            "by restricted maximum likelihood"
            + of("mixed model")
            + ", and t with children less parameters as degrees of freedom."
        )
    aged = list(dict.fromkeys(one.outcome for one in known if "older" in one.contrast))
    if aged:
        said.append(f"Age, as a straight line, was in the models of: {', '.join(aged)}.")
    if "Hedges' g" in used:
        said.append(
            "Standardised differences are Hedges' g of the means of children, with intervals of "
            "the noncentral t" + of("Hedges' g") + "."
        )
    if "circular" in used:
        text = "Times of day were treated as directions, each child as one" + of("circular")
        if "Rayleigh" in used:
            text += ", tested for a common one by Rayleigh's test of one direction a child"
            text += of("Rayleigh")
        if "permutation" in used:
            text += (
                "; groups were compared by dealing children to groups anew, each child with its "
                "mean direction and length" + of("permutation")
            )
        text += "; intervals come from drawing children"
        said.append(text + ".")
    if found.tests:
        aside = ", not counting those of proportional hazards" if "proportional" in used else ""
        said.append(
            f"{many(found.tests, 'test was', 'tests were')} made{aside}; p-values are given as "
            "they are and adjusted for that number by Holm's method"
            + of("Holm")
            + ". A p-value is how often chance alone would give as large a difference if there "
            "were none; it is neither the chance that there is none nor a measure of how large it "
            "is. The sizes and their intervals are the result."
        )
    packages = ", ".join(f"{name} {number}" for name, number in versions(found).items())
    cited = of(*(name for name in ("lifelines", "statsmodels", "scipy")))
    said.append(f"Software: {packages}{cited}.")
    if found.notes:
        said.append("To be known: " + "; ".join(found.notes) + ".")
    sources = [f"[{k}] {CITATIONS[name]}" for name, k in numbers.items()]
    return "\n\n".join(said) + "\n\nSources\n\n" + "\n".join(sources) + "\n"


def _cited(found: Comparison) -> list[str]:
    packages = [name for name, which in _PACKAGES.items() if set(which) & set(found.used)]
    return [name for name in CITATIONS if name in found.used or name in packages]


def _sizes(found: Comparison) -> str:
    return ", ".join(f"{one.name}: {one.children}" for one in found.groups)
