"""The TypeScript SDK as a second real client over stdio."""

import json

from conformance import node, servers
from conformance.inspector import CALLS, TASK


def judge(era: str) -> str:
    """`era` is legacy, or a version of the protocol. What the client does is in client.mjs."""
    with servers.bank() as environment:
        own = {name: value for name, value in environment.items() if name.startswith("STRATEGY_BANK_")}
        report = json.dumps({"task": TASK, "report": CALLS["report_outcome"]})
        done = node.run("node", str(node.HERE / "client.mjs"), era, *servers.STDIO, REPORT=report, **own)
    version, checked = done.stdout.split()
    return f"speaks {version}; {checked} results fit their output schemas, and what was reported was recalled"
