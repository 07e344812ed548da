"""Makes the archives of the cookbook: small ones, with the names and the quirks of the real data and nothing copied from it.

    python docs/cookbook/make.py SHAPE OUT

Each shape is a module in `shapes`. The same shape is the same bytes each time.
"""

import importlib
import sys
from pathlib import Path

SHAPES = sorted(file.stem for file in Path(__file__).with_name("shapes").glob("[a-z]*.py") if file.stem != "archive")


def main():
    match sys.argv[1:]:
        case [shape, out] if shape in SHAPES:
            importlib.import_module(f"shapes.{shape}").make(Path(out))
        case _:
            sys.exit(f"usage: make.py SHAPE OUT; the shapes are {', '.join(SHAPES)}")


if __name__ == "__main__":
    main()
