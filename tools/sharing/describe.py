"""A strategy as Markdown."""

from typing import TYPE_CHECKING

from strategy_bank.store.records import Strategy

if TYPE_CHECKING:
    pass


def describe(strategy: Strategy) -> str:
    """A strategy as Markdown."""
    origin = {"success": "a success", "failure": "a failure", "contrast": "comparing attempts"}[strategy.outcome]
    reason = f" ({strategy.status_reason})" if strategy.status_reason else ""
    return "\n".join(
        [
            f"# {strategy.title}",
            "",
            f"*{strategy.description}*",
            "",
            strategy.content,
            "",
            f"- id: {strategy.id}",
            f"- from: {origin}, scope {strategy.scope}, {strategy.created_at:%Y-%m-%d}",
            f"- status: {strategy.status}{reason}",
            f"- told by {strategy.support}, helped {strategy.helped}, hurt {strategy.hurt}",
            f"- episodes: {', '.join(strategy.episode_ids) or 'none'}",
            *([f"- runs: {', '.join(strategy.run_ids)}"] if strategy.run_ids else []),
            *([f"- advises the opposite of: {', '.join(strategy.contradicts)}"] if strategy.contradicts else []),
        ]
    )
