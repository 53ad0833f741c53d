"""Writes one strategy as Markdown, for a person who looks at it."""

from strategy_bank.store.records import Strategy
from strategy_bank.store.visible_text import folded
from strategy_bank.tools.prompting import plain_id, quoted

ORIGINS = {"success": "a success", "failure": "a failure", "contrast": "comparing attempts"}


def describe(strategy: Strategy) -> str:
    """Return the strategy as Markdown, with all that the bank knows of it."""
    reason = f" ({folded(strategy.status_reason)})" if strategy.status_reason else ""
    lines = [
        f"# {plain_id(strategy.id)}\n",
        quoted(f"**{folded(strategy.title)}**\n\n*{folded(strategy.description)}*\n\n{strategy.content}"),
        "",
        f"- from: {ORIGINS[strategy.outcome]}, scope {folded(strategy.scope)}, {strategy.created_at:%Y-%m-%d}",
        f"- status: {strategy.status}{reason}",
        f"- told by {strategy.support}, helped {strategy.helped}, hurt {strategy.hurt}",
        f"- episodes: {_ids(strategy.episode_ids) or 'none'}",
    ]
    lines += [f"- runs: {_ids(strategy.run_ids)}"] if strategy.run_ids else []
    lines += [f"- advises the opposite of: {_ids(strategy.contradicts)}"] if strategy.contradicts else []
    return "\n".join(lines)


def _ids(ids: list[str]) -> str:
    return ", ".join(map(plain_id, ids))
