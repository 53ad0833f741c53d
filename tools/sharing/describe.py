"""Writes one strategy as Markdown, for a person who looks at it."""

from strategy_bank.store.records import Strategy

ORIGINS = {"success": "a success", "failure": "a failure", "contrast": "comparing attempts"}


def describe(strategy: Strategy) -> str:
    """Return the strategy as Markdown, with all that the bank knows of it."""
    reason = f" ({strategy.status_reason})" if strategy.status_reason else ""
    lines = [
        f"# {strategy.title}\n",
        f"*{strategy.description}*\n",
        f"{strategy.content}\n",
        f"- id: {strategy.id}",
        f"- from: {ORIGINS[strategy.outcome]}, scope {strategy.scope}, {strategy.created_at:%Y-%m-%d}",
        f"- status: {strategy.status}{reason}",
        f"- told by {strategy.support}, helped {strategy.helped}, hurt {strategy.hurt}",
        f"- episodes: {', '.join(strategy.episode_ids) or 'none'}",
    ]
    lines += [f"- runs: {', '.join(strategy.run_ids)}"] if strategy.run_ids else []
    lines += [f"- advises the opposite of: {', '.join(strategy.contradicts)}"] if strategy.contradicts else []
    return "\n".join(lines)
