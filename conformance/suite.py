"""The official conformance suite of the protocol, at the wire of each revision."""

import re

import node
import servers

REVISIONS = ("2025-11-25", "2026-07-28")
_LINE = re.compile(r"^(✓|✗) (\S+): (\d+) passed, (\d+) failed", re.MULTILINE)
_NOT_SCORED = re.compile(r"^ +(?:✓|✗) (\S+) \(", re.MULTILINE)


def judge_installed(revision: str) -> str:
    """The server as users run it. What it fails must be in the baseline, and what is in the baseline must fail."""
    with servers.over_http(servers.INSTALLED) as (url, token):
        baseline = node.HERE / f"expected-{revision}.yml"
        passed, failed, checks = _judged(revision, url, token, "--expected-failures", str(baseline))
    return f"{passed} of {passed + failed} required scenarios pass, the other {failed} want fixtures ({checks} checks pass)"


def judge_with_fixtures(revision: str) -> str:
    """The same factory with what the suite asks for."""
    with servers.over_http(servers.WITH_FIXTURES) as (url, token):
        passed, failed, checks = _judged(revision, url, token)
    if failed:
        raise node.Failed(f"{failed} required scenarios fail")
    return f"all {passed} required scenarios pass ({checks} checks)"


def _judged(revision: str, url: str, token: str, *options: str) -> tuple[int, int, int]:
    """Required scenarios that pass and that fail; checks that pass in the required ones."""
    done = node.run(
        "conformance", "server", "--url", url, "--requirements", revision, *options,
        NODE_OPTIONS=f"--import {(node.HERE / 'authorize.mjs').as_uri()}", STRATEGY_BANK_HTTP_TOKEN=token,
    )  # fmt: skip
    summary = done.stdout.partition("=== SUMMARY ===")[2]
    optional = set(_NOT_SCORED.findall(summary))
    required = [found for found in _LINE.findall(summary) if found[1] not in optional]
    if not required:
        raise node.Failed(f"The suite ran nothing:\n{done.stdout}")
    passed = sum(mark == "✓" for mark, *_ in required)
    return passed, len(required) - passed, sum(int(number) for _, _, number, _ in required)
