"""``inr-register``: look at the first word, hand over to that verb, turn errors into one message and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from INRRegistrationLib.cli.arguments import VERBS, parse
from INRRegistrationLib.core.errors import InputError, RegistrationError

KEPT, BAD_INPUT, NO_RESULT = 0, 2, 3
"""Exit statuses: a result was kept; the input is bad; there is no usable result."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The words after the command's name; by default those of this process.

    Returns:
        The exit status.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        verb, arguments = parse(words)
        run: Callable[..., int] = import_module(f"INRRegistrationLib.cli.{VERBS[verb].module}").run
        return run(arguments)
    except InputError as error:
        return _fail(str(error), BAD_INPUT)
    except RegistrationError as error:
        return _fail(str(error), NO_RESULT)
    except KeyboardInterrupt:
        return _fail("cancelled: nothing was written", NO_RESULT)
    except MemoryError:
        return _fail("not enough memory: use smaller images, a mask or a smaller --max-voxels", NO_RESULT)
    except BrokenPipeError:
        sys.stderr.close()
        return KEPT


def _fail(message: str, status: int) -> int:
    print(f"inr-register: {' '.join(message.split())}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
