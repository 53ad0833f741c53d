"""Everything that the bank knows of one episode, for a person: a page of its trajectory, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Literal

import anyio.to_thread

from strategy_bank.store.errors import NotFound
from strategy_bank.store.records import Episode, Recall, Run, RunStatus, Strategy, StrategyStatus, Verdict
from strategy_bank.tools.judging.judgement import Judgement
from strategy_bank.tools.viewing.episodes.judged import read_judged
from strategy_bank.tools.viewing.episodes.quotes import QuotePlace, located
from strategy_bank.tools.viewing.episodes.steps import Trail
from strategy_bank.tools.viewing.episodes.trajectory import Matches, TrajectoryPage, found_from, page, search
from strategy_bank.tools.viewing.shown import Fate, fate_of

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

How = Literal["in full", "as a line", "held out", ""]
NAMED = 100  # lessons of an episode that are looked up
_PLACES: Mapping[str, How] = {"held_out_ids": "held out", "strategy_ids": "in full", "listed_ids": "as a line"}


@dataclass(frozen=True)
class Told:
    """A lesson that the episode was shown or named. A forgotten one has no status; `how` is empty for what no recall showed."""

    id: str
    title: str
    status: StrategyStatus | None
    how: How
    opened: bool
    echoed: bool
    fate: Fate


@dataclass(frozen=True)
class Quote:
    """A quote of the judgement and where it stands first: the step and the offset, None where it is not found.

    `here`: it is on the page of the trajectory that is shown.
    """

    text: str
    step: int | None
    at: int | None
    others: int
    here: bool


@dataclass(frozen=True)
class Sister:
    """A reported attempt of the same run."""

    id: str
    attempt: int
    status: str
    verdict: Verdict | None


@dataclass(frozen=True)
class OfRun:
    """The run that an episode was an attempt of; no status where the run was forgotten."""

    id: str
    attempts: int
    best_attempt: int
    status: RunStatus | None
    reported: Sequence[Sister]


@dataclass(frozen=True)
class EpisodeView:
    """An episode with all that belongs to it. Without a judgement where there is none, or its JSON is damaged."""

    episode: Episode
    judgement: Judgement | None
    quotes: Sequence[Quote]
    recall: Recall | None
    lessons: Sequence[Told]
    run: OfRun | None
    trajectory: TrajectoryPage
    matches: Matches


@dataclass(frozen=True)
class Asked:
    """What of a trajectory is asked for: an offset, else a step; and words that are searched for."""

    at: int | None = None
    step: int | None = None
    find: str = ""


async def found_episode(bank: "Bank", id: str) -> Episode:
    """Return an episode. Raises NotFound."""
    if episode := await bank.find(Episode, id):
        return episode
    raise NotFound(f"There is no episode {id!r} in this bank. It may have been forgotten.")


async def episode_view(bank: "Bank", id: str, asked: Asked) -> EpisodeView:
    """Return an episode with a page of its trajectory. Raises NotFound."""
    episode = await found_episode(bank, id)
    recall = await bank.find(Recall, episode.recall_id) if episode.recall_id else None
    judgement = read_judged(Judgement, episode.judgement)
    evidence = tuple(judgement.evidence) if judgement else ()
    read = partial(_read, episode.trajectory, evidence, asked)
    trajectory, quotes, matches = await anyio.to_thread.run_sync(read)
    return EpisodeView(
        episode=episode,
        judgement=judgement,
        quotes=quotes,
        recall=recall,
        lessons=await _told(bank, episode, recall),
        run=await _run(bank, episode.run_id) if episode.run_id else None,
        trajectory=trajectory,
        matches=matches,
    )


@lru_cache(maxsize=4)
def quote_places(trajectory: str, evidence: tuple[str, ...]) -> Sequence[QuotePlace]:
    """Return where quotes stand. In 2 MB that takes 0.3 s if they were not copied exactly, so it is kept for the next page."""
    return located(trajectory, evidence)


def _read(text: str, evidence: tuple[str, ...], asked: Asked) -> tuple[TrajectoryPage, list[Quote], Matches]:
    trail, places = Trail(text), quote_places(text, evidence)
    at = asked.at if asked.at is not None else trail[trail.of_step(asked.step)].label if asked.step else 0
    at = min(max(at, 0), max(len(text) - 1, 0))
    shown = page(trail, at, places, found_from(trail, asked.find, at))
    quotes = [_quote(trail, place, number in shown.quoted) for number, place in enumerate(places, 1)]
    return shown, quotes, search(trail, asked.find)


def _quote(trail: Trail, place: QuotePlace, here: bool) -> Quote:
    if not place.spans:
        return Quote(place.text, None, None, 0, here=False)
    at = place.spans[0][0]
    return Quote(place.text, trail[trail.at(at)].number, at, place.others, here)


async def _told(bank: "Bank", episode: Episode, recall: Recall | None) -> list[Told]:
    """Return the lessons that the episode was shown, and those that it named besides."""
    shown = [*recall.strategy_ids, *recall.listed_ids, *recall.held_out_ids] if recall else []
    named = [*episode.used_ids, *episode.helped_ids, *episode.wrong_ids, *episode.unfit_ids]
    ids = list(dict.fromkeys([*shown, *named]))[:NAMED]
    rows = await bank.cells(Strategy, ["title", "status"], id=ids) if ids else []
    known, said = {row["id"]: row for row in rows}, dict(episode)
    return [_lesson(id, known.get(id, {}), recall, fate_of(said, id)) for id in ids]


def _lesson(id: str, row: Mapping[str, Any], recall: Recall | None, fate: Fate) -> Told:
    places: Mapping[str, Sequence[str]] = dict(recall) if recall else {}
    return Told(
        id=id,
        title=row.get("title", ""),
        status=row.get("status"),
        how=_how(places, id),
        opened=id in places.get("opened_ids", ()),
        echoed=id in places.get("echoed_ids", ()),
        fate=fate,
    )


def _how(places: Mapping[str, Sequence[str]], id: str) -> How:
    found: list[How] = [how for name, how in _PLACES.items() if id in places.get(name, ())]
    return found[0] if found else ""


async def _run(bank: "Bank", id: str) -> OfRun:
    run = next(iter(await bank.cells(Run, ["attempts", "best_attempt", "status"], id=id)), None) or {}
    rows = await bank.cells(Episode, ["attempt", "status", "verdict", "outcome"], run_id=id)
    reported = [Sister(row["id"], row["attempt"] or 0, row["status"], row["verdict"] or row["outcome"]) for row in rows]
    reported.sort(key=lambda sister: sister.attempt)
    return OfRun(id, run.get("attempts") or len(rows), run.get("best_attempt") or 0, run.get("status"), reported)
