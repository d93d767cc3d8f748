"""Where the example codebases are importable from, in a checkout as well as from an installed wheel.

They live in `examples/` at the root of the repository, because that is where people look for them. The wheel
carries them in here (`package_dir` in setup.cfg). In a checkout, also one installed with `pip install -e`,
this folder is empty but for this file, so the package looks for its modules in the repository's folder.
"""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
_IN_CHECKOUT = _HERE.parents[1] / "examples"

if not (_HERE / "trading_desk").is_dir() and (_IN_CHECKOUT / "trading_desk").is_dir():
    __path__.append(str(_IN_CHECKOUT))
