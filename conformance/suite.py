"""The official conformance suite of the protocol, at the wire of each revision."""

import re

import yaml

from conformance import node, servers

REVISIONS = ("2025-11-25", "2026-07-28")
_RAN = re.compile(r"^[✓✗] (\S+): (\d+) passed", re.MULTILINE)
_REQUIREMENTS = node.MODULES / "@modelcontextprotocol" / "conformance" / "requirements"
_EXPECTED = re.compile(r"^ +~ ([^\s:]+)", re.MULTILINE)


def judge_installed(revision: str) -> str:
    """The server as users run it. What it fails must be in the baseline, and what is in the baseline must fail."""
    scenarios, failing, checks = _judged(servers.INSTALLED, revision, f"expected-{revision}.yml")
    passing = scenarios - failing
    return f"{passing} of {scenarios} required scenarios pass, {failing} want what only fixtures have ({checks} checks pass)"


def judge_with_fixtures(revision: str) -> str:
    """The same factory with what the suite asks for."""
    scenarios, _, checks = _judged(servers.WITH_FIXTURES, revision, "expected-with-fixtures.yml")
    return f"all {scenarios} required scenarios pass ({checks} checks)"


def _judged(server: list[str], revision: str, expected: str) -> tuple[int, int, int]:
    """Required scenarios; those of them that fail as expected; checks that pass in the required ones. Raises Failed."""
    with servers.over_http(server) as (url, token):
        done = node.run(
            "conformance", "server", "--url", url, "--requirements", revision,
            "--expected-failures", str(node.HERE / expected),
            NODE_OPTIONS=f"--import {(node.HERE / 'authorize.mjs').as_uri()}", STRATEGY_BANK_HTTP_TOKEN=token,
        )  # fmt: skip
    summary = done.stdout.partition("=== SUMMARY ===")[2]
    ran = {name: int(checks) for name, checks in _RAN.findall(summary)}
    required: list[str] = yaml.safe_load((_REQUIREMENTS / f"{revision}.yaml").read_text())["server"]
    if missing := set(required) - ran.keys():
        raise node.Failed(f"The suite left out {sorted(missing)}:\n{done.stdout}")
    failing = set(_EXPECTED.findall(summary)) & set(required)
    return len(required), len(failing), sum(ran[name] for name in required)
