"""The command `strategy-bank`, also `python -m strategy_bank.server`."""

from strategy_bank.server.cli import main

if __name__ == "__main__":
    main()
