"""The way of a record into the journal, in Python. The base of `Journal`."""

from abc import abstractmethod


class Appender:
    """Takes records, one line each."""

    def append(self, line: bytes) -> bool:
        """Write one line, `{…}\\n`. When this returns True the line survives the death of the process.

        False means that it is lost, and counted. Does not raise.
        """
        return self.append_with_care(line)

    @abstractmethod
    def append_with_care(self, line: bytes) -> bool:
        """The same, whatever state the journal is in."""
