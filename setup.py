"""The extension modules, for which setup.cfg has no words. All else about the package stands there."""

from pathlib import Path

from setuptools import Extension, setup

FOLDER = Path("agent_trace/recording/compiled")


def compiled(source: Path) -> Extension:
    """An extension module that may fail to compile: without it the package does the same in Python."""
    module = Extension(
        ".".join(source.with_suffix("").parts),
        [str(source)],
        depends=sorted(map(str, FOLDER.glob("*.pxi"))),
        # Debug symbols, which Python's own flags ask for, would be most of the file.
        extra_compile_args=["-O2", "-g0"],
        optional=True,
    )
    # The C that Cython writes goes into build/ and not beside its source.
    module.cython_c_in_temp = True
    return module


setup(ext_modules=[compiled(FOLDER / source) for source in ("calling.c", "hot_path.pyx")])
