"""What threads of ours do that a fork must not cut in half: it waits until they are done.

A child that is forked during an import has a module whose lock is held by a thread that it does not have: it would wait for
ever. The same holds for a file that is locked for a moment: the child has it open as well, and so keeps the lock that it
then asks for.
"""

import importlib
import os
import threading
from typing import Any, Final

whole: Final = threading.RLock()
"""Held around such work, which is short: `with whole:`."""


def import_whole(name: str) -> Any:
    """Import a module; a fork in another thread waits for that. Raises what `import` raises."""
    with whole:
        return importlib.import_module(name)


os.register_at_fork(before=whole.acquire, after_in_parent=whole.release, after_in_child=whole.release)
