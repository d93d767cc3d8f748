# What `span_fields.py`, `record.py` and `clock.Ids` do for most calls, compiled: fields of a span, its lines, its ids.


cdef Py_ssize_t LARGE = record.LARGE
cdef enum:
    MOST_ID_BYTES = 64
    HEAD_BYTES = 384  # 319 at most: three ids, two numbers of twenty digits, and their names
cdef const char *DIGITS = "0123456789abcdef"


cdef class SpanFields:
    """What a span holds. See `span_fields.py`."""

    cdef public object recorder, name, type, trace_id, id, parent_id, parent, scope, opened_in, start_ns, start_ticks
    cdef public object input, cuts, entry_point, model, model_parameters, first_item_ns, additions, subject
    cdef public object token, context
    cdef public bint captures_output, has_inner_usage, is_finished

    def __init__(self, recorder, name, kind, trace_id, id, parent_id, parent, scope, opened_in):
        self.recorder = recorder
        self.name = name
        self.type = kind
        self.trace_id = trace_id
        self.id = id
        self.parent_id = parent_id
        self.parent = parent
        self.scope = scope
        self.opened_in = opened_in
        self.captures_output = True
        clock = recorder.clock
        self.start_ns = clock.wall_ns()
        self.start_ticks = clock.ticks_ns()


cdef uint64_t _next(uint64_t *s) noexcept:
    cdef uint64_t product = s[1] * 5
    cdef uint64_t found = ((product << 7) | (product >> 57)) * 9
    cdef uint64_t shifted = s[1] << 17
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= shifted
    s[3] = (s[3] << 45) | (s[3] >> 19)
    return found


cdef class Ids:
    """Random W3C trace and span ids, never zero. See `clock.py`; the generator is xoshiro256**."""

    cdef uint64_t[4] _state

    def __init__(self):
        self.reseed()

    def reseed(self):
        """Start a new sequence."""
        cdef bytes seed = _random(32)
        memcpy(self._state, PyBytes_AS_STRING(seed), 32)
        self._state[0] |= 1

    cdef object hex(self, int words):
        cdef char[32] digits
        cdef uint64_t word
        cdef int i, j
        for i in range(words):
            word = _next(self._state)
            if i == words - 1:
                word |= 1
            for j in range(16):
                digits[16 * i + j] = DIGITS[(word >> (60 - 4 * j)) & 15]
        return PyUnicode_DecodeASCII(digits, 16 * words, NULL)

    def root_ids(self):
        """A trace id and the id of its first span."""
        return self.hex(2), self.hex(1)

    def trace_id(self):
        """32 lower-case hex digits."""
        return self.hex(2)

    def span_id(self):
        """16 lower-case hex digits."""
        return self.hex(1)


cdef char *_put(char *at, const char *data, Py_ssize_t size) noexcept:
    memcpy(at, data, size)
    return at + size


cdef char *_put_bytes(char *at, bytes data) noexcept:
    return _put(at, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


cdef char *_put_id(char *at, str id) except NULL:
    cdef Py_ssize_t size
    cdef const char *data = PyUnicode_AsUTF8AndSize(id, &size)
    if size > MOST_ID_BYTES:
        raise ValueError(f"{id!r} is no id")
    return _put(at, data, size)


cdef char *_put_number(char *at, long long number) noexcept:
    cdef char[24] digits
    cdef int i = 24
    cdef unsigned long long left = number
    if number < 0:
        left = -left
    while True:
        i -= 1
        digits[i] = 48 + left % 10
        left //= 10
        if not left:
            break
    if number < 0:
        i -= 1
        digits[i] = 45
    return _put(at, digits + i, 24 - i)


cdef char *_put_ids(char *at, SpanFields span) except NULL:
    at = _put(at, b'"trace_id":"', 12)
    at = _put_id(at, span.trace_id)
    at = _put(at, b'","id":"', 8)
    at = _put_id(at, span.id)
    if span.parent_id is not None:
        at = _put(at, b'","parent_id":"', 15)
        at = _put_id(at, span.parent_id)
    at = _put(at, b'","start_ns":', 13)
    return _put_number(at, span.start_ns)


cdef bytes _line(const char *head, Py_ssize_t head_bytes, list input, bytes output, bytes own, bytes last):
    """A record of its parts, each where it is there."""
    cdef Py_ssize_t size = head_bytes + PyBytes_GET_SIZE(last)
    cdef bytes piece
    if input is not None:
        size += 9
        for piece in input:
            size += PyBytes_GET_SIZE(piece)
    if output is not None:
        size += 10 + PyBytes_GET_SIZE(output)
    if own is not None:
        size += PyBytes_GET_SIZE(own) - 1
    cdef bytes line = PyBytes_FromStringAndSize(NULL, size)
    cdef char *at = _put(PyBytes_AS_STRING(line), head, head_bytes)
    if input is not None:
        at = _put(at, b'"input":', 8)
        for piece in input:
            at = _put_bytes(at, piece)
        at = _put(at, b",", 1)
    if output is not None:
        at = _put(at, b'"output":', 9)
        at = _put_bytes(at, output)
        at = _put(at, b",", 1)
    if own is not None:
        at = _put(at, PyBytes_AS_STRING(own) + 1, PyBytes_GET_SIZE(own) - 2)
        at = _put(at, b",", 1)
    _put_bytes(at, last)
    return line


cpdef bytes opening(SpanFields span, ending):
    """The line that says that a span was opened."""
    cdef char[HEAD_BYTES] head
    cdef char *at = _put(head, b'{"v":1,"kind":"opened",', 23)
    at = _put_ids(at, span)
    at = _put(at, b",", 1)
    return _line(head, at - head, None, None, None, _three(ending)[0])


cpdef tuple observation(SpanFields span, end_ns, bytes output, reading, ending):
    """The line of a finished span, and what of it has to be searched when that is not all of it."""
    cdef char[HEAD_BYTES] head
    cdef char *at = _put(head, b'{"v":1,"kind":"observation",', 28)
    at = _put_ids(at, span)
    at = _put(at, b',"end_ns":', 10)
    at = _put_number(at, end_ns)
    at = _put(at, b",", 1)
    cdef tuple ends = _three(ending)
    cdef bint is_clean = ends[2]
    cdef list whole = None, searched = None
    if span.input is not None:
        whole, searched = span.input
    cdef bytes own = _own(span, reading)
    cdef bytes line = _line(head, at - head, whole, output, own, ends[0] if is_clean else ends[1])
    if not is_clean or (PyBytes_GET_SIZE(line) >= LARGE and (whole is None or whole == searched)):
        return line, None
    return line, _line(b"{", 1, searched, output, own, b"}")


cdef bytes _own(SpanFields span, reading):
    """What is neither in the head nor common to all calls, as a JSON object; None when there is nothing."""
    cdef dict own
    if reading is None and span.first_item_ns is None and span.additions is None and not span.cuts:
        own = {}
        if span.model is not None:
            own["model"] = span.model
        if span.model_parameters:
            own["model_parameters"] = span.model_parameters
    else:
        own = _own_fields(span, reading)
    return _dumps(own) if own else None
