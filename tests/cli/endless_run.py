"""The command line with a landscape that never ends, to be interrupted; imports nothing heavy."""

import sys
import time
import types


def run_landscape(config, *, progress):
    progress("landscape", 1, 9)
    time.sleep(60)


def main():
    from alignthermo.cli import main as command_line

    api = types.ModuleType("alignthermo.api")
    api.run_landscape = run_landscape
    sys.modules["alignthermo.api"] = api
    sys.modules["alignthermo.cli.landscape"].landscape_config = lambda options: types.SimpleNamespace(
        out=None
    )
    command_line()


if __name__ == "__main__":
    main()
