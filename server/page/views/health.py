"""Whether the program is well, as `doctor` finds it, and its settings."""

import os
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from strategy_bank.server.page.jobs import Job, Tone
from strategy_bank.server.page.site import Site, site_of
from strategy_bank.server.page.views import work
from strategy_bank.server.settings import FIELDS, Given, Sources, masked

if TYPE_CHECKING:
    from strategy_bank.server.doctor.checks import Finding

_TONES: dict[str, Tone] = {"ok": "good", "warn": "warn", "fail": "bad"}


async def doctor(request: Request) -> Response:
    return site_of(request).page(request, "doctor.html", endpoint=site_of(request).state.settings.llm_model)


async def examine(request: Request) -> Response:
    """Check the installation, the bank, the model and the judge; each finding is told as it comes."""
    site, sent = site_of(request), await request.form()
    ask = bool(sent.get("endpoint")) and site.may_change  # which costs tokens

    async def run(job: Job) -> None:
        from strategy_bank.server.doctor.checks import examine

        failed = list[str]()

        def tell(finding: "Finding") -> None:
            advice = f" → {finding.advice}" if finding.advice else ""
            job.tell(f"{finding.found}{advice}", _TONES[finding.status], finding.about)
            failed.extend([finding.about] if finding.status == "fail" else [])

        await examine(site.sources or _sources(site), tell, ask)
        job.tell("Something fails; each says what to do." if failed else "Nothing fails.", "bad" if failed else "good")

    return work.started(site, Job("Doctor", may_stop=True, back="/bank/doctor"), run)


async def settings(request: Request) -> Response:
    site = site_of(request)
    sources = site.sources or _sources(site)
    return site.page(
        request, "settings.html", settings=_settings(site, sources), file=str(sources.file), ignored=sources.ignored
    )


async def settings_json(request: Request) -> Response:
    site = site_of(request)
    sources = site.sources or _sources(site)
    shown = {each["name"]: {"value": each["value"], "from": each["source"]} for each in _settings(site, sources)}
    return JSONResponse({"file": str(sources.file), "settings": shown})


def _settings(site: Site, sources: Sources) -> list[dict[str, Any]]:
    """Return every setting as this server has it: its value, masked, where it comes from, and what it is."""
    default = Given(None, "default", "default")
    return [
        {
            "name": name,
            "value": masked(getattr(site.state.settings, name)),
            "source": sources.given.get(name, default).name,
            "about": info.description or "",
        }
        for name, info in FIELDS.items()
    ]


def _sources(site: Site) -> Sources:
    return Sources.gather(os.environ, site.state.settings.location.home)
