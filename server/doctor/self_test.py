"""One report and one recall in a bank of its own, for `doctor`."""

from strategy_bank.store.bank import Bank
from strategy_bank.store.location import Location
from strategy_bank.tools.episodes.record import Report
from strategy_bank.tools.judging.judge import AgentJudge
from strategy_bank.tools.judging.judgement import Judgement
from strategy_bank.tools.recall_strategies import recall
from strategy_bank.tools.report_outcome import report_outcome
from strategy_bank.tools.scopes.registry import Scope

_TASK = "The nightly import of partner files stops with a UnicodeDecodeError. Make it run."
_REWORDED = "A job that reads somebody else's CSV exports dies on strange characters (UnicodeDecodeError); repair it."
_TRAJECTORY = "file -i partner.csv\npartner.csv: text/plain; charset=iso-8859-1\npytest -q\n14 passed in 2.31s"
_JUDGEMENT = {
    "reason": "The suite passed once the encoding was given.",
    "verdict": "success",
    "evidence": ["14 passed in 2.31s"],
    "strategies": [
        {
            "title": "Find out the encoding of foreign files",
            "description": "When reading text files that another system wrote fails or shows strange characters.",
            "content": "Determine the real encoding before changing code, and pass it explicitly when opening the file.",
        }
    ],
}


async def write_and_recall(location: Location) -> str:
    """Return what went wrong; nothing when a task in other words finds the lesson of a report."""
    scope = Scope("doctor")
    told = Report(scope=scope, task=_TASK, trajectory=_TRAJECTORY, judgement=Judgement.model_validate(_JUDGEMENT))
    bank = await Bank.open(location)
    try:
        outcome = await report_outcome(bank, AgentJudge(), told)
        found = {hit.id for hit in (await recall(bank, _REWORDED, 3, scope)).strategies}
    finally:
        await bank.close()
    if outcome.status != "learned":
        return f"the report was {outcome.status} instead of learned: {'; '.join(outcome.warnings)}"
    if not found & {strategy.id for strategy in outcome.strategies}:
        return "what was learned was not recalled for a task in other words"
    return ""
