# What `call_steps.py` does, compiled: before and after one call.


cdef class CallSteps:
    """What a wrapper does before and after a call. See `call_steps.py`."""

    cdef public Lifecycle recorder
    cdef public object gate
    cdef public bint captures_input, captures_output

    def __init__(self, recorder, captures_input, captures_output):
        self.recorder = recorder
        self.captures_input = captures_input
        self.captures_output = captures_output

    def prepare(self, target, instance, args, kwargs):
        """Capture the arguments now."""
        try:
            return self._prepare(target, instance, args, kwargs)
        except Exception as error:
            _contain("capturing input", error)
        return _UNPREPARED

    def begin(self, target, instance, args, kwargs):
        """Prepare, open and attach in one."""
        span = None
        try:
            span = self.opened(target, self._prepare(target, instance, args, kwargs))
            if span is not None:
                self.recorder.attach(span)
        except Exception as error:
            _contain("opening an observation", error)
            span = None
        if span is None:
            span = self.begin_without_input(target)
        return span if self.gate is None or span is None else self.admitted(span, self.gate)

    def open(self, target, prepared):
        """Start the observation of a prepared call, not current yet."""
        span = None
        try:
            span = self.opened(target, prepared)
        except Exception as error:
            _contain("opening an observation", error)
        return span if self.gate is None or span is None else self.admitted(span, self.gate)

    def close(self, span, output=_NOTHING, error=None):
        """Detach the span and write its observation."""
        if span is None:
            return
        try:
            self._close(span, output, error)
        except Exception as failure:
            _contain("finishing an observation", failure)
            self.recorder.lose()

    cdef int _close(self, SpanFields span, output, error) except -1:
        self.recorder.detach(span)
        if span.subject is None or error is not None or not span.subject.goes_on(span, output):
            self.recorder.finish(span, output, error)
        return 0

    cdef tuple _prepare(self, target, instance, tuple args, dict kwargs):
        if instance is not None or target.owner is not None:
            instance, args = target.instance_of(instance, args)
        cdef bint is_bound = instance is not None
        cdef dict arguments = _arguments(target, args, kwargs, is_bound)
        about = target.about
        subject = None if about is None else about(instance)
        content, cuts, model, parameters = None, None, None, None
        if self.captures_input and target.captures_input:
            content, cuts = self._capture_input(arguments)
        if target.type not in _READ_TYPES:
            return content, cuts, None, None, subject
        for name in arguments:
            if name in _WORTH_READING:
                model, parameters = _read_parameters(arguments)
                break
        defaults = target.parameters_by_default
        if target.model_by_default is not None or defaults:
            model = model or target.model_by_default
            parameters = {**(defaults or {}), **(parameters or {})}
        if model is None and is_bound:
            model = _read_instance(instance)
        if subject is not None and subject.parameters:
            parameters = {**subject.parameters, **(parameters or {})}
        return content, cuts, model, parameters, subject

    cdef tuple _capture_input(self, dict arguments):
        recorder = self.recorder
        written = None
        try:
            written = recorder.repeated.write(arguments, recorder.limits)
        except (TypeError, RuntimeError):
            pass
        return self.capture_with_care(arguments) if written is None else (written, None)

    cpdef object opened(self, target, tuple prepared):
        """The span of a prepared call."""
        cdef SpanFields span
        content, cuts, model, parameters, subject = prepared
        if subject is None:
            span = self.recorder.open(target.name, target.type, target.entry_point)
        else:
            opened = subject.open(self.recorder, target)
            if opened is None or opened.subject is not subject:
                return opened
            span = opened
        span.input = content
        span.cuts = cuts
        span.model = model
        span.model_parameters = parameters
        span.captures_output = self.captures_output and target.captures_output
        return span


cdef dict _arguments(target, tuple args, dict kwargs, bint is_bound):
    """Arguments by parameter name; here only those that are given by place, of a signature that is known."""
    cdef Py_ssize_t i, count = len(args)
    cdef dict found
    cdef tuple names
    signature = target.signature
    if signature is not None and not kwargs and target.bound_arguments is None:
        names = signature.bound_names if is_bound else signature.names
        if count <= len(names):
            found = {}
            for i in range(count):
                found[names[i]] = args[i]
            return found
    return target.arguments(args, kwargs, is_bound=is_bound)
