# What `lifecycle.py` does, compiled: a span is opened, made current, finished into a line.

cdef enum:
    MOST_OF_A_CHARACTER = 6  # `\u0000`


cdef class Lifecycle:
    """Opens spans and finishes them. See `lifecycle.py`."""

    cdef readonly object make_span
    cdef public object sink, redactor, limits, clock, ids, constants, endings
    cdef object _wall_ns, _ticks_ns, _sieved
    cdef Sieve _sieve
    cdef public Repeated repeated

    def __init__(self, make_span, sink, redactor, limits, clock, ids):
        if not issubclass(make_span, SpanFields):
            raise TypeError(f"{make_span!r} has not the fields of a span")
        self.make_span = make_span
        self.sink = sink
        self.redactor = redactor
        self.repeated = Repeated(redactor.is_clean)
        signs = signs_of(redactor.rules)
        self._sieve = None if signs is None else Sieve(signs)
        self._sieved = redactor
        self.limits = limits
        self.clock = clock
        self._wall_ns = clock.wall_ns
        self._ticks_ns = clock.ticks_ns
        self.ids = ids
        self.constants = {}
        self.endings = {}

    def open(self, name, kind, entry_point=None):
        """Start an observation below whatever is current."""
        context = _context()
        cdef PyObject *found = PyDict_GetItem(context, _SCOPE_KEY)
        scope = _EMPTY if found is NULL else <object>found
        found = PyDict_GetItem(context, _CURRENT)
        cdef object current = None if found is NULL else <object>found
        cdef SpanFields span
        if current is None:
            span = self._root(name, kind, scope)
        elif type(current) is self.make_span:
            span = self._child(name, kind, <SpanFields>current, scope)
        else:
            span = self.open_below_foreign(name, kind, context, scope)
        span.entry_point = entry_point
        if span.parent is None or kind == "agent":
            try:
                self.sink.append(opening(span, self.ending(span)))
            except Exception as error:
                _contain("writing an opening", error)
        return span

    cdef SpanFields _root(self, name, kind, scope):
        cdef SpanFields span = self._begun(name, kind, scope)
        if type(self.ids) is Ids:
            span.trace_id = (<Ids>self.ids).hex(2)
            span.id = (<Ids>self.ids).hex(1)
        else:
            span.trace_id, span.id = self.ids.root_ids()
        span.scope = scope
        return span

    cdef SpanFields _child(self, name, kind, SpanFields parent, scope):
        cdef SpanFields span = self._begun(name, kind, scope)
        span.trace_id = parent.trace_id
        span.id = (<Ids>self.ids).hex(1) if type(self.ids) is Ids else self.ids.span_id()
        span.parent_id = parent.id
        span.parent = parent
        span.scope = parent.scope if scope is parent.opened_in else scope
        return span

    cdef SpanFields _begun(self, name, kind, opened_in):
        """A span without an identity. Its `__init__` is not called: this is that, for most spans."""
        cdef PyTypeObject *type_of_span = <PyTypeObject *>self.make_span
        cdef SpanFields span = <SpanFields>type_of_span.tp_new(type_of_span, _NO_ARGUMENTS, NULL)
        span.recorder = self
        span.name = name
        span.type = kind
        span.opened_in = opened_in
        span.captures_output = True
        span.start_ns = self._wall_ns()
        span.start_ticks = self._ticks_ns()
        return span

    def attach(self, SpanFields span not None):
        """Make `span` the current one."""
        context = _Context()
        PyDict_Update(context, _context())
        PyDict_SetItem(context, _CURRENT, span)
        PyDict_SetItem(context, _OURS, span)
        span.token = _foreign_context.set_context(context) if _variable is None else PyContextVar_Set(_variable, context)

    def detach(self, SpanFields span not None):
        """Make current again what was so before."""
        token = span.token
        span.token = None
        if token is None:
            return
        if _variable is None:
            _foreign_context.reset_context(token)
        else:
            PyContextVar_Reset(_variable, token)

    def finish(self, SpanFields span not None, output=_NOTHING, error=None, reading=None, end_ns=None):
        """Write the observation that `span` leaves behind. Only the first call counts."""
        if span.is_finished:
            return
        span.is_finished = True
        if end_ns is not None:
            end_ns = _given_ns(end_ns)
        if end_ns is None:
            end_ns = span.start_ns + self._ticks_ns() - span.start_ticks
        else:
            end_ns = max(end_ns, span.start_ns)
        if error is not None:
            try:
                span.added().add_error(error)
            except Exception as failure:
                _contain("describing an exception", failure)
        cdef bytes content = None
        if output is not _NOTHING:
            if reading is None and type(output) is not str and span.type in _READ_TYPES:
                try:
                    reading = _read_result(output)
                except Exception as failure:
                    _contain("reading a result", failure)
            if span.captures_output:
                content = self._short_text(output)
                if content is None:
                    content, cuts = _capture(output, self.limits, "output", self.redactor.redact_text)
                    if cuts:
                        span.cuts = [*(span.cuts or ()), *cuts]
        self._write_line(span, end_ns, content, reading)
        span.input = span.cuts = span.additions = span.model_parameters = span.subject = None
        finished = (span.trace_id, span.id), span.scope
        PyContextVar_Set(_finished_in_context, finished)
        if PyThread_get_thread_ident() == _MAIN_THREAD:
            _finished_in_main_thread[0] = finished

    cdef bytes _short_text(self, output):
        """What `capture` makes of a text that fits."""
        cdef Py_ssize_t most
        if PyUnicode_CheckExact(output):
            most = _three(self.limits)[0]
            if PyUnicode_GET_LENGTH(output) * MOST_OF_A_CHARACTER + 2 <= most:
                try:
                    return _dumps(output)
                except TypeError:  # half a surrogate pair
                    pass
        return None

    cdef int _write_line(self, SpanFields span, end_ns, bytes content, reading) except -1:
        cdef bytes line, searched
        line, searched = observation(span, end_ns, content, reading, self.ending(span))
        redactor = self.redactor
        if searched is None:
            searched = line
        if redactor.only_gate and redactor is self._sieved and self._sieve is not None:
            if not self._sieve.holds_back(searched):
                self.sink.append(line)
                return 0
        fired = redactor.match(searched)
        if fired is not None or not redactor.only_gate:
            line = redactor.second_look(fired or (), line)
        self.sink.append(line)
        return 0

    cpdef object ending(self, SpanFields span):
        """What the span's records end with."""
        scope = span.scope
        key = (span.name, span.type, span.entry_point)
        if scope:
            key = (key, *scope.items())
        cdef PyObject *known = PyDict_GetItem(self.endings, key)
        return self.first_ending(key, span) if known is NULL else <object>known


cdef object _context():
    cdef PyObject *context = NULL
    if _variable is None:
        return _foreign_context.get_context()
    PyContextVar_Get(_variable, NULL, &context)
    if context is NULL:
        return _Context()
    found = <object>context
    Py_DECREF(found)  # it is given to us with a reference, and `found` has one of its own
    return found
