# What `journal/appender.py` stands for, compiled: a record goes into the mapped segment.

cdef extern from *:
    """
    static void agent_trace_publish(char *at, char first) {
        __atomic_store_n(at, first, __ATOMIC_RELEASE);
    }
    """
    void agent_trace_publish(char *at, char first) noexcept


cdef class Appender:
    """Takes records, one line each. See `journal/appender.py` and `journal/journal.py`."""

    cdef public object segment
    cdef public double check_at
    cdef public bint inside, syncs

    def append(self, bytes line not None):
        """Write one line. True when it survives the death of the process, False when it is lost, and counted."""
        if not self.inside and not self.syncs and self.segment is not None and <double>_monotonic_s() < self.check_at:
            if _put_line(self.segment, line):
                return True
        return self.append_with_care(line)

    def append_with_care(self, line):
        """The same, whatever state the journal is in."""
        raise NotImplementedError


cdef bint _put_line(segment, bytes line) except -1:
    """Write a line where there is room for it. Nothing else of the program runs meanwhile, no signal handler either:
    that takes the place of the lock, and of noting the position before the line."""
    cdef Py_ssize_t start = segment.position, size = PyBytes_GET_SIZE(line)
    cdef Py_ssize_t end = start + size
    if start < 0 or size == 0 or end > <Py_ssize_t>segment.limit:
        return False
    mapping = segment.mapping
    if mapping is None:
        return False
    next_position, records = end, segment.records + 1
    cdef Py_buffer view
    cdef const char *data = PyBytes_AS_STRING(line)
    PyObject_GetBuffer(mapping, &view, PyBUF_WRITABLE)
    cdef bint fits = end <= view.len
    if fits:
        memcpy(<char *>view.buf + start + 1, data + 1, size - 1)
        # The first byte last: until it is there, readers wait.
        agent_trace_publish(<char *>view.buf + start, data[0])
    PyBuffer_Release(&view)
    if fits:
        segment.position = next_position
        segment.records = records
    return fits
