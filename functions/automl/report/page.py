"""Puts report.html together: sections in the order a person asks, and everything they need inside the one file."""

import base64
import functools
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from automl.report import about_cost, about_model, about_run
from automl.report.blocks import Block, Charts, Missing, Section
from automl.report.documents import Documents
from automl.report.figure import LIGHT_TO_DARK, Chart
from automl.report.verdict import decision, verdict
from automl.report.wording import moment
from automl.telemetry import logger

_HERE = Path(__file__).parent
State = Mapping[str, Any]


def render(state: State, documents: Documents, now: datetime) -> str:
    """The page of a run.

    Args:
        state: the execution's state data at Write Report.
        documents: the run's files and history.
        now: the time of writing.
    """
    sections = _sections(state, documents)
    drawn = charts(sections)
    program = (_HERE / "report.js").read_text(encoding="utf-8")
    page = (
        _environment()
        .get_template("template.html.j2")
        .render(
            run=state["Run"],
            verdict=verdict(state, documents),
            sections=sections,
            written=moment(now),
            policy=_policy(get_plotlyjs(), program),
            style=Markup((_HERE / "style.css").read_text(encoding="utf-8")),
            figures=_inert({"charts": [one.document for one in drawn], "dark": LIGHT_TO_DARK}),
            plotly=Markup(get_plotlyjs()),
            program=Markup(program),
        )
    )
    return str(page)


def charts(sections: list[Section]) -> list[Chart]:
    """All charts of the page in order."""
    return [
        chart for section in sections for block in section.blocks if isinstance(block, Charts) for chart in block.charts
    ]


def _sections(state: State, documents: Documents) -> list[Section]:
    target = str(((documents.request.content or {}).get("Dataset") or {}).get("TargetColumn", "target"))
    objective = str((state.get("Data") or {}).get("ObjectiveMetric", ""))
    decided = decision(state, documents)
    evaluation, calibration = documents.evaluation, documents.calibration
    builders: list[tuple[str, str, Callable[[], list[Block]]]] = [
        ("asked", "What was asked", lambda: about_run.asked(state, documents.request, documents.previous)),
        ("data", "The data", lambda: about_run.data(target, documents.profile)),
        ("candidates", "The candidates", lambda: about_run.candidates(state, documents.leaderboard)),
        ("quality", "How good the model is", lambda: about_model.quality(evaluation, objective)),
        ("errors", "Where it errs", lambda: about_model.errors(evaluation, target)),
        (
            "trust",
            "What its confidence is worth, and what is accepted",
            lambda: about_model.trust(evaluation, calibration, decided, target),
        ),
        ("drivers", "What drives its predictions", lambda: about_model.drivers(documents)),
        ("champion", "Against the former model", lambda: about_model.champion(evaluation)),
        ("history", "What happened when", lambda: about_run.history(state, documents)),
        ("cost", "What it costs", lambda: about_cost.cost(documents.cost)),
        ("files", "Where the files are", lambda: about_run.files(state)),
    ]
    sections = (Section(name, title, _built(title, build)) for name, title, build in builders)
    return [section for section in sections if section.blocks]


def _built(title: str, build: Callable[[], list[Block]]) -> list[Block]:
    """A section's blocks, or one that says what is wrong with its documents: the others are still worth reading."""
    try:
        return build()
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        logger.exception("section of the report left out", extra={"section": title})
        why = f"This section could not be drawn, as a document of the run is not as it should be: {error!r}."
        return [Missing(why)]


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _policy(*scripts: str) -> str:
    """The page's Content-Security-Policy: these scripts and nothing else run, and nothing is fetched."""
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _inert(document: Mapping[str, Any]) -> Markup:
    """JSON inside a script element, which ends at the first ``</script`` whatever it is part of."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))
