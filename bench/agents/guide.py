"""What an agent is told before it acts: the same in every arm but for what the arm gives."""

import json

from bench.agents.episode import BUDGET, Episode

RULES = """\
# Your task

{task}

You act in ScienceWorld, a text world, in which you have {budget} actions at most; each action counts, also one that the world
does not understand. There is one attempt. The world tells at the end whether the task is completed. Where the task says
`focus on`, that is an action, and focusing on a wrong thing can end the task at once.

Actions take these forms, where OBJ is a thing or place that you see (`door to kitchen`, `substance in metal pot`):
look around, look at OBJ, look in OBJ, examine OBJ, inventory, task, open OBJ, close OBJ, go OBJ (`go to kitchen`), pick up OBJ,
put down OBJ, move OBJ to OBJ, pour OBJ in OBJ, dunk OBJ in OBJ, mix OBJ (what a container holds), use OBJ on OBJ, activate OBJ,
deactivate OBJ, connect OBJ to OBJ, disconnect OBJ, read OBJ, focus on OBJ, flush OBJ, eat OBJ, wait (ten moments pass), wait1
(one moment). If the world asks which of several things you mean, the next action is the number alone.
"""
BY_SHELL = """\
# How you act

Only through these commands. Look into no other files, nor at the game's sources, nor anything of other episodes; use no
knowledge of this machine. You have no other memory than what this page and these commands give you.

    {play} act "ACTION" ["ACTION" …]     one or several actions, done in order up to one that is not understood
    {play} give-up                       end the acting early; otherwise it ends by itself
    {play} end                           the very last command
"""
TOOL_BY_SHELL = """\
    {play} tool NAME 'JSON'              call a tool; long arguments on standard input:
    {play} tool NAME - <<'EOF'
    {{"key": "value"}}
    EOF
"""
WITH_TOOLS_OF_SERVER = """\

# The MCP server strategy-bank

You are connected to it. Its instructions:

{instructions}
"""
WITH_SCHEMAS = "Its tools:\n\n{tools}\n"


def rules(episode: Episode) -> str:
    """Return the task and the rules of the world, and what the arm hands over."""
    text = RULES.format(task=episode.world.task, budget=BUDGET)
    return f"{text}\n# A note\n\n{episode.handed_over}\n" if episode.handed_over else text


def beginning(episode: Episode) -> str:
    return f"# Where you begin\n\n{episode.first}\n[{episode.left} actions left]\n"


def page(episode: Episode, play: str) -> str:
    """Return AGENT.md: everything for an agent that plays from a shell; `play` is the command."""
    parts = [rules(episode), BY_SHELL.format(play=play)]
    if episode.offer.tools:
        parts.append(TOOL_BY_SHELL.format(play=play))
        tools = "\n\n".join(json.dumps(tool, ensure_ascii=False) for tool in episode.offer.tools)
        parts.append(WITH_TOOLS_OF_SERVER.format(instructions=episode.offer.instructions))
        parts.append(WITH_SCHEMAS.format(tools=tools))
    return "\n".join([*parts, beginning(episode)])
