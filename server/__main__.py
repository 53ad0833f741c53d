"""Starts the command `strategy-bank`, also as `python -m strategy_bank.server`."""

import sys


def main() -> None:
    """Run the command. `hook` runs after every turn of a client, so it does not wait for the command line's library."""
    if sys.argv[1:2] == ["hook"]:
        from strategy_bank.server.clients.hook import hook

        sys.exit(hook(sys.argv[2:]))
    from strategy_bank.server.cli.main import main as command_line

    command_line()


if __name__ == "__main__":
    main()
