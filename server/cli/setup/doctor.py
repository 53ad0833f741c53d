"""`strategy-bank doctor`: check this installation, and say what to do about it."""

import dataclasses
from contextlib import aclosing
from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.console import Target, json_option, pass_target, show, show_json
from strategy_bank.store.errors import InvalidInput

if TYPE_CHECKING:
    from strategy_bank.server.doctor.checks import Finding

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(short_help="Check everything and say what to do.")
@click.option("--endpoint", is_flag=True, help="Also ask the configured endpoint for one small judgement.")
@pass_target()
@json_option
def doctor(target: Target, endpoint: bool, as_json: bool) -> None:
    """Check the installation, the bank, the model and the judge, and say what to do where something is wrong.

    It changes nothing in the bank; it writes and recalls in a throw-away one. Exit code 1 if anything fails.

    \b
    Example:
      strategy-bank doctor --json | jq '.findings[] | select(.status != "ok")'
    """
    import anyio

    findings = anyio.run(_examine, target, endpoint, not as_json)
    failed = any(finding.status == "fail" for finding in findings)
    if as_json:
        show_json({"ok": not failed, "findings": [dataclasses.asdict(finding) for finding in findings]})
    if failed:
        raise click.exceptions.Exit(1)


async def _examine(target: Target, ask_endpoint: bool, aloud: bool) -> "list[Finding]":
    """Return all findings; with `aloud`, print each when it is there."""
    from strategy_bank.server.doctor.checks import Finding, examine, versions

    findings: list[Finding] = []
    try:
        async with aclosing(examine(target.sources, ask_endpoint=ask_endpoint)) as examined:
            async for finding in examined:
                findings.append(finding)
                _tell(finding, aloud)
    except InvalidInput as exc:
        findings = [*versions(needs_openai=False), Finding("settings", "fail", str(exc))]
        for finding in findings:
            _tell(finding, aloud)
    return findings


def _tell(finding: "Finding", aloud: bool) -> None:
    if aloud:
        click.secho(f"{finding.status:<5}", fg=_COLOURS[finding.status], nl=False)
        show(f"{finding.about:<17}{finding.found}")
        if finding.advice:
            show(f"{'':<22}→ {finding.advice}")
