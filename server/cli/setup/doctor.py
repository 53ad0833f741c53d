"""`strategy-bank doctor`: check this installation, and say what to do about it."""

import dataclasses
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

    from strategy_bank.server.doctor.checks import Finding, examine, tell_versions

    findings: list[Finding] = []

    def tell(finding: Finding) -> None:
        findings.append(finding)
        if not as_json:
            _show(finding)

    try:
        anyio.run(examine, target.sources, tell, endpoint)
    except InvalidInput as exc:
        tell_versions(tell, needs_openai=False)
        tell(Finding("settings", "fail", str(exc)))
    failed = any(finding.status == "fail" for finding in findings)
    if as_json:
        show_json({"ok": not failed, "findings": [dataclasses.asdict(finding) for finding in findings]})
    if failed:
        raise click.exceptions.Exit(1)


def _show(finding: "Finding") -> None:
    show(f"{finding.status:<5}", _COLOURS[finding.status], end="")
    show(f"{finding.about:<17}{finding.found}")
    if finding.advice:
        show(f"{'':<22}→ {finding.advice}")
