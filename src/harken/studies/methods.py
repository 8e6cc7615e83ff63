"""What was done, in words for a paper: only what was really run, with versions and sources."""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType

import harken
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
        "GEE": "Liang KY, Zeger SL. Longitudinal data analysis using generalized linear models. "
        "Biometrika 73 (1986) 13-22.",
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
        return f" [{', '.join(str(numbers[name]) for name in names if name in numbers)}]"

    used = set(found.used)
    level = f"{found.level * 100:g} %"
    said = [
        f"{found.episodes} cry episodes of {found.children} children were analysed"
        + (f" in {len(found.groups)} groups (" + _sizes(found) + ")" if found.groups[1:] else "")
        + ". Children, and not episodes, were taken as what was sampled.",
        f"In {found.censored} episodes nobody had answered by the end of the crying or of the "
        "recording; their response latency was right-censored at that time. Censoring was "
        "taken to tell nothing of when the answer would have come; where crying ends sooner "
        "because an answer is near or far, this does not hold.",
        "Medians and shares answered within a time are Kaplan-Meier estimates"
        + of("Kaplan-Meier")
        + f". Their {level} intervals, and those of ratios and differences between groups, come "
        f"from {found.times} draws of whole children with replacement within groups (seed "
        f"{found.seed})"
        + of("bootstrap")
        + ", as t intervals with children less groups as degrees of freedom, of the logarithm "
        "for medians and ratios.",
    ]
    if "Cox" in used:
        said.append(
            "Latencies were compared by Cox regression"
            + of("Cox")
            + " with errors clustered by child"
            + of("robust by cluster")
            + "; the hazard ratio is that over all children, and not that within a child, as no "
            "shared frailty was fitted. Whether hazards were proportional was tested by scaled "
            "Schoenfeld residuals."
        )
    if "GEE" in used:
        outcomes = dict.fromkeys(
            one.outcome for one in found.effects if one.model.startswith("GEE")
        )
        said.append(
            "Generalised estimating equations with an exchangeable correlation within child and "
            "sandwich errors"
            + of("GEE")
            + f" were used for: {', '.join(outcomes)} (logit link for answered or not)."
        )
    if "mixed model" in used:
        said.append(
            "The logarithm of crying in an episode was modelled with an intercept for each child, "
            "by restricted maximum likelihood" + of("mixed model") + "."
        )
    if used & {"Cox", "GEE", "mixed model"}:
        aged = any("older" in one.contrast for one in found.effects)
        said.append(
            ("Age was in each of these models. " if aged else "")
            + "Sandwich errors were multiplied by the root of children over children less "
            "parameters; intervals and tests of all models use t with that many degrees of freedom."
        )
    if "Hedges' g" in used:
        said.append("Standardised differences are Hedges' g of the means of children"
                    + of("Hedges' g") + ".")  # fmt: skip
    if "circular" in used:
        text = "Times of day were treated as directions" + of("circular")
        if "Rayleigh" in used:
            text += ", tested for a common one by Rayleigh's test of one direction a child"
            text += of("Rayleigh")
        if "permutation" in used:
            text += (
                "; groups were compared by dealing children to groups anew, each child with its "
                "mean direction and length" + of("permutation")
            )
        said.append(text + ".")
    if found.tests:
        said.append(
            f"{found.tests} tests were made; p-values are given as they are and adjusted for that "
            "number by Holm's method"
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
