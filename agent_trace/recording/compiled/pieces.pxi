# What `capturing/repeated.py` does, compiled: arguments as JSON, with a memory of what comes again with every call.


cdef Py_ssize_t KEPT_BYTES = repeated.KEPT_BYTES
cdef Py_ssize_t WORTH_KEEPING = repeated.WORTH_KEEPING
cdef Py_ssize_t MOST_PIECES = repeated.MOST_PIECES
cdef Py_ssize_t MOST_BYTES = repeated.MOST_BYTES
cdef Py_ssize_t MOST_SEEN = repeated.MOST_SEEN
cdef Py_ssize_t MOST_LABELS = repeated.MOST_LABELS
cdef Py_ssize_t MOST_VALUES = repeated.MOST_VALUES
cdef Py_ssize_t LEAST_DEPTH = repeated.LEAST_DEPTH
cdef Py_ssize_t MOST_OBJECTS = repeated.MOST_OBJECTS

cdef extern from *:
    """
    static inline uint64_t agent_trace_folded(uint64_t one, uint64_t other) {
        __uint128_t product = (__uint128_t)one * other;
        return (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    """
    uint64_t agent_trace_folded(uint64_t one, uint64_t other) noexcept

cdef uint64_t K0 = 0x9E3779B97F4A7C15
cdef uint64_t K1 = 0xC2B2AE3D27D4EB4F


cdef uint64_t _mixed(uint64_t h, str text) noexcept:
    """A hash of a text's own bytes, in a tenth of the time of Python's. Equality is looked at besides."""
    cdef Py_ssize_t left = PyUnicode_GET_LENGTH(text) * PyUnicode_KIND(text)
    cdef const char *data = <const char *>PyUnicode_DATA(text)
    cdef uint64_t a = h ^ <uint64_t>left, b = h + K1
    cdef uint64_t[4] words
    while left >= 32:
        memcpy(words, data, 32)
        a = agent_trace_folded(a ^ words[0], K0 ^ words[1])
        b = agent_trace_folded(b ^ words[2], K1 ^ words[3])
        data += 32
        left -= 32
    words[0] = words[1] = words[2] = words[3] = 0
    memcpy(words, data, left)
    a = agent_trace_folded(a ^ words[0], K0 ^ words[1])
    b = agent_trace_folded(b ^ words[2], K1 ^ words[3])
    return agent_trace_folded(a ^ K1, b ^ K0)


cdef class Repeated:
    """Clean pieces by their content. A piece is learned when it comes the second time; all are forgotten together."""

    cdef object _is_clean
    cdef readonly dict _known, _labels
    cdef readonly set _seen
    cdef readonly Py_ssize_t _bytes

    def __init__(self, is_clean):
        self._is_clean = is_clean
        self._known = {}
        self._seen = set()
        self._labels = {}
        self._bytes = 0

    cpdef tuple write(self, dict arguments, limits):
        cdef tuple bounds = _three(limits)
        cdef Py_ssize_t room = bounds[0], nodes = bounds[1], depth = bounds[2]
        if depth < LEAST_DEPTH:
            return None
        cdef list whole = [], searched = []
        if not self._object(whole, searched, arguments, &room, &nodes, depth, MOST_OBJECTS):
            return None
        return whole, searched

    cdef bint _object(
        self,
        list whole,
        list searched,
        dict values,
        Py_ssize_t *room,
        Py_ssize_t *nodes,
        Py_ssize_t depth,
        int levels,
    ) except -1:
        cdef bint first = True
        cdef bytes label
        cdef tuple piece
        whole.append(b"{")
        searched.append(b"{")
        for name, value in values.items():
            label = self._labels.get(name)
            if label is None:
                label = self._label(name)
            if first:
                label = label[1:]
                room[0] -= 1
                first = False
            whole.append(label)
            searched.append(label)
            room[0] -= PyBytes_GET_SIZE(label)
            if _is_of_dicts(value):
                if not self._list(whole, searched, <list>value, room, nodes, depth):
                    return False
            elif PyDict_CheckExact(value) and levels:
                nodes[0] -= 1
                if not self._object(whole, searched, <dict>value, room, nodes, depth - 1, levels - 1):
                    return False
            else:
                if PyUnicode_CheckExact(value):
                    piece = self._text(<str>value, room[0])
                else:
                    piece = _plain(value, room[0], nodes[0], depth)
                if piece is None:
                    return False
                whole.append(piece[0])
                searched.append(piece[1])
                room[0] -= PyBytes_GET_SIZE(piece[0])
                nodes[0] -= <Py_ssize_t>piece[2]
            if room[0] < 1 or nodes[0] < 0:
                return False
        whole.append(b"}")
        searched.append(b"}")
        room[0] -= 2
        return True

    cdef bytes _label(self, name):
        if len(self._labels) >= MOST_LABELS:
            self._labels.clear()
        if type(name) is not str:
            raise TypeError(f"{name!r} is no name")
        cdef bytes label = b",%b:" % _dumps(name)
        self._labels[name] = label
        return label

    cdef bint _list(
        self,
        list whole,
        list searched,
        list items,
        Py_ssize_t *room,
        Py_ssize_t *nodes,
        Py_ssize_t depth,
    ) except -1:
        cdef bytes before = b"["
        cdef tuple piece
        room[0] -= 1
        nodes[0] -= 1 + MOST_VALUES * PyList_GET_SIZE(items)
        for item in items:
            piece = None
            if PyDict_CheckExact(item):
                piece = self._message(<dict>item, room[0])
            if piece is None:
                piece = _plain(item, room[0], nodes[0], depth - 1)
                if piece is None:
                    return False
                nodes[0] -= <Py_ssize_t>piece[2]
            whole.append(before)
            whole.append(piece[0])
            searched.append(before)
            searched.append(piece[1])
            before = b","
            room[0] -= PyBytes_GET_SIZE(piece[0]) + 1
        whole.append(b"]")
        searched.append(b"]")
        return room[0] >= 1 and nodes[0] >= 0

    cdef tuple _message(self, dict message, Py_ssize_t room):
        cdef PyObject *key
        cdef PyObject *value
        cdef Py_ssize_t at = 0, characters = 0
        cdef uint64_t h = K0
        if len(message) > MOST_VALUES:
            return None
        while PyDict_Next(message, &at, &key, &value):
            if not PyUnicode_CheckExact(<object>key) or not PyUnicode_CheckExact(<object>value):
                return None
            characters += PyUnicode_GET_LENGTH(<object>key) + PyUnicode_GET_LENGTH(<object>value)
            h = _mixed(_mixed(h, <str>key), <str>value)
        cdef tuple known = self._known.get(h)
        if known is not None and _is_same(known[0], message):
            return <tuple>known[1]
        return self._met(h, message, characters, room)

    cdef tuple _text(self, str text, Py_ssize_t room):
        cdef bytes encoded
        if PyUnicode_GET_LENGTH(text) < WORTH_KEEPING:
            encoded = _dumps(text)
            return encoded, encoded, 1
        cdef uint64_t h = _mixed(0, text)
        cdef tuple known = self._known.get(h)
        if known is not None and known[0] == text:
            return <tuple>known[1]
        return self._met(h, text, PyUnicode_GET_LENGTH(text), room)

    cdef tuple _met(self, uint64_t h, value, Py_ssize_t characters, Py_ssize_t room):
        if characters > room:
            return None
        cdef bytes encoded = _dumps(value)
        cdef object number = h
        if number not in self._seen:
            if len(self._seen) >= MOST_SEEN:
                self._seen.clear()
            self._seen.add(number)
            return encoded, encoded, MOST_VALUES
        # Before the search, which lets other threads go on: they may change the message.
        key = (*value, *value.values()) if type(value) is dict else value
        if self._is_clean(encoded):
            return self._learn(number, key, encoded)
        return encoded, encoded, MOST_VALUES

    cdef tuple _learn(self, number, key, bytes encoded):
        cdef Py_ssize_t size = PyBytes_GET_SIZE(encoded)
        self._bytes += size
        if self._bytes > MOST_BYTES or len(self._known) >= MOST_PIECES:
            self._known.clear()
            self._bytes = size
        cdef bytes rest = _ends(encoded) if size >= WORTH_KEEPING else encoded
        cdef tuple piece = (encoded, rest, MOST_VALUES)
        self._known[number] = key, piece
        return piece


cdef bytes _ends(bytes encoded):
    cdef bytes both = PyBytes_FromStringAndSize(NULL, 2 * KEPT_BYTES)
    cdef char *there = PyBytes_AS_STRING(both)
    cdef const char *here = PyBytes_AS_STRING(encoded)
    memcpy(there, here, KEPT_BYTES)
    memcpy(there + KEPT_BYTES, here + PyBytes_GET_SIZE(encoded) - KEPT_BYTES, KEPT_BYTES)
    return both


cdef tuple _three(value):
    """A named tuple of three as what it is."""
    if not isinstance(value, tuple) or len(value) != 3:
        raise TypeError(f"{value!r} is no tuple of three")
    return <tuple>value


cdef bint _is_of_dicts(value):
    return (
        PyList_CheckExact(value)
        and PyList_GET_SIZE(value) > 0
        and PyDict_CheckExact(<object>PyList_GET_ITEM(value, 0))
    )


cdef bint _is_same(key_of_known, dict message):
    """Whether a message has the keys and texts of a known one."""
    if type(key_of_known) is not tuple:
        return False
    cdef tuple texts = <tuple>key_of_known
    cdef PyObject *key
    cdef PyObject *value
    cdef Py_ssize_t at = 0, i = 0, n = len(message)
    if PyTuple_GET_SIZE(texts) != 2 * n:
        return False
    while PyDict_Next(message, &at, &key, &value):
        if <str>PyTuple_GET_ITEM(texts, i) != <str>key or <str>PyTuple_GET_ITEM(texts, n + i) != <str>value:
            return False
        i += 1
    return True


cdef tuple _plain(value, Py_ssize_t room, Py_ssize_t nodes, Py_ssize_t depth):
    cdef tuple left = _survey((value,), room, nodes, depth)
    if left is None:
        return None
    cdef bytes encoded = _dumps(value)
    return encoded, encoded, nodes - <Py_ssize_t>left[1]
