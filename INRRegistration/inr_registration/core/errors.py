"""The few errors that a caller is meant to catch."""

from __future__ import annotations


class RegistrationError(Exception):
    """Base of every error that this package raises on purpose; its text is fit to show to a user."""


class InputError(RegistrationError):
    """The input cannot be used: the text says what is wrong, the value seen and what to do about it."""


class Terminated(BaseException):
    """The system asked the process to end (SIGTERM): a time limit, a shutdown. Not an error, so that nobody catches it by the way."""
