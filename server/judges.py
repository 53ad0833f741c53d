"""Makes the judge that the settings ask for."""

import importlib.util
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from strategy_bank.store.errors import InvalidInput
from strategy_bank.tools.judging.judge import AgentJudge, Judge

if TYPE_CHECKING:
    from strategy_bank.server.settings import Settings

T = TypeVar("T")
SETTINGS_NEEDED = (
    "No endpoint is configured, so nobody can judge. Set llm_model (STRATEGY_BANK_LLM_MODEL, or `strategy-bank config set "
    "llm_model VALUE`); likewise llm_base_url (https://…/v1) for another provider than OpenAI, and llm_api_key for a key."
)
PACKAGE_NEEDED = "The endpoint judge needs the openai package: pip install 'strategy-bank[llm]'"


def check_endpoint(settings: "Settings") -> None:
    """Raise InvalidInput when no endpoint is configured or its package is missing."""
    if not settings.llm_model:
        raise InvalidInput(SETTINGS_NEEDED)
    if importlib.util.find_spec("openai") is None:
        raise InvalidInput(PACKAGE_NEEDED)


async def with_endpoint(settings: "Settings", action: "Callable[[Judge], Awaitable[T]]") -> T:
    """Run `action` with the endpoint, even where the agent judges daily work. Raises InvalidInput when there is none."""
    check_endpoint(settings)
    judge = make_judge(settings.model_copy(update={"judge": "endpoint"}))
    try:
        return await action(judge)
    finally:
        await judge.aclose()


def make_judge(settings: "Settings") -> "Judge":
    """Return the judge that the settings ask for."""
    if not settings.uses_endpoint:
        return AgentJudge(settings.trust)
    from strategy_bank.tools.judging.endpoint_judge import EndpointJudge
    from strategy_bank.tools.judging.openai_client import EndpointSettings

    # a variable may hold bytes that are not UTF-8, and the model's name is stored
    address, model = (text.encode("utf-8", "replace").decode() for text in (settings.llm_base_url, settings.llm_model))
    return EndpointJudge(
        EndpointSettings(address or None, model, settings.llm_api_key, settings.llm_timeout), settings.trust
    )
