"""What a strategy's counters must be, from the episodes that its lists name in the order in which they were written."""

from collections.abc import Iterable, Mapping

from strategy_bank.store.records import MOST_TAUGHT, MOST_USES, PROVENANCE_KEPT, Episode, Strategy
from strategy_bank.tools.consolidation.witnesses import (
    Account,
    independent,
    session_of,
    use_of,
)

Counters = tuple[int, int, int]


def wrong_counters(strategies: Iterable[Strategy], episodes: Iterable[Episode]) -> list[str]:
    """Say which strategies do not name all episodes that taught or used them, or do not count what these say."""
    stored, problems = {each.id: each for each in episodes}, list[str]()
    for strategy in strategies:
        taught = {each.id for each in stored.values() if strategy.id in [learned.id for learned in each.learned]}
        used = {each.id for each in stored.values() if strategy.id in each.used_ids}
        if len(used) > PROVENANCE_KEPT or len(taught) > PROVENANCE_KEPT:
            continue
        if set(strategy.episode_ids) != taught or set(strategy.credited_by) != used:
            problems.append(f"{strategy.id} does not name all episodes that taught or used it")
        elif (strategy.support, strategy.helped, strategy.hurt) != (said := replayed(strategy, stored)):
            counted = strategy.support, strategy.helped, strategy.hurt
            problems.append(f"{strategy.id}: support, helped and hurt are {counted}, its episodes say {said}")
    return problems


def replayed(strategy: Strategy, episodes: Mapping[str, Episode]) -> Counters:
    """Return support, helped and hurt, where none of the lists is so long that its beginning was left out."""
    told = [episodes[id] for id in strategy.episode_ids]
    taught = [Account(each.task, session_of(each.session, each.created_at)) for each in told]
    uses = [use_of(dict(episodes[id]), strategy.id) for id in strategy.credited_by]
    helped, hurt = (
        independent([use for use in uses if use and use.verdict == verdict], MOST_USES)
        for verdict in ("success", "failure")
    )
    return len(independent(taught, MOST_TAUGHT)), len(helped), len(hurt)
