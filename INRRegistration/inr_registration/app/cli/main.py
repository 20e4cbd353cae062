"""``inr-register``: look at the first word, hand over to that verb, turn errors into one message and an exit status."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from io import TextIOWrapper
from traceback import format_exc

from inr_registration.app.cli.arguments import VERBS, parse
from inr_registration.core.errors import InputError, RegistrationError, Terminated
from inr_registration.io.room import check_address_space

KEPT, ERROR, BAD_INPUT, NO_RESULT, DIVERGED, RED, STOPPED, TERMINATED = 0, 1, 2, 3, 4, 5, 6, 128 + signal.SIGTERM
"""Exit statuses: a result was kept; the program is at fault; the input is bad; there is no usable result; a result was kept of a fit
that diverged; one was kept that the quality control judges RED; one of a run that the user stopped; the system ended the run."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The words after the command's name; by default those of this process.

    Returns:
        The exit status.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    _show_any_name()
    try:
        verb, arguments = parse(words)
        if verb != "presets":  # it loads nothing
            check_address_space()
        run: Callable[..., int] = import_module(f"inr_registration.app.cli.{VERBS[verb].module}").run
        return run(arguments)
    except InputError as error:
        return _fail(str(error), BAD_INPUT)
    except RegistrationError as error:
        return _fail(str(error), NO_RESULT)
    except KeyboardInterrupt:
        return _fail("cancelled: nothing was written", NO_RESULT)
    except Terminated:
        return _fail("terminated by the system: the same command with --resume goes on from the last checkpoint", TERMINATED)
    except MemoryError:
        return _fail("not enough memory: use smaller images, a mask or a smaller --max-voxels", NO_RESULT)
    except BrokenPipeError:
        sys.stderr.close()
        return KEPT
    except Exception as error:  # a mistake of ours: one line here, and the rest where it does not frighten anybody
        from inr_registration.app.cli.log import log_error

        said = str(error) or "no message"
        return _fail(f"internal error, please report it: {type(error).__name__}: {said} ({log_error(format_exc())})", ERROR)


def _show_any_name() -> None:
    """Have letters that the console's code page lacks shown as escapes: no name may end a run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="backslashreplace")


def _fail(message: str, status: int) -> int:
    print(f"inr-register: {' '.join(message.split())}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
