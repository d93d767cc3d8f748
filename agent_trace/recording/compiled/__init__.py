"""The parts of a traced call that take longest, in Cython: same answers as the Python modules they stand for."""
