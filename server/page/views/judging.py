"""Has the endpoint judge one attempt that waits for it, while the person goes on."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from strategy_bank.server.judges import check_endpoint, with_endpoint
from strategy_bank.server.page.jobs import Job
from strategy_bank.server.page.site import Site, own_path, site_of
from strategy_bank.server.page.views import work
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import Episode
from strategy_bank.tools.episodes.record import is_settled
from strategy_bank.tools.sharing.describe import learned_line


async def judge(request: Request) -> Response:
    """Start the judgement. Raises InvalidInput where there is no endpoint, or the attempt is judged already."""
    site, form = site_of(request), await request.form()
    check_endpoint(site.state.settings)
    episode = await (await site.bank()).get(Episode, request.path_params["id"])
    if is_settled(episode):
        raise InvalidInput("This attempt was judged already. Nothing was changed.")
    back = own_path(str(form.get("back") or "")) or "/"
    return work.started(site, Job(f"Judging {episode.id}", may_stop=True, back=back), partial(_judged, site, episode))


async def _judged(site: Site, episode: Episode, job: Job) -> None:
    from strategy_bank.tools.report_outcome import distill

    bank = await site.bank()
    job.tell(f"{site.state.settings.llm_model} reads it. That may take a minute.", about=(episode.id,))
    settled = await with_endpoint(site.state.settings, lambda judge: distill(bank, judge, episode))
    record = settled.record
    if not is_settled(record):
        job.tell(f"It could not be judged: {record.reason}", "bad")
        return
    job.tell(f"Its verdict is {record.verdict}.", "good")
    for each in record.learned:
        job.tell(learned_line(each).removeprefix("- "), "good", about=(each.id,))
    if not record.learned:
        job.tell("It teaches nothing new.")
    for warning in settled.warnings:
        job.tell(warning, "warn")
