# A look at a text before it is put to the gate: is any sign of a secret in it? See `redaction/signs.py`.
#
# To hold back a text that has nothing in it costs time, to let one pass that has would cost a secret.

cdef enum:
    LEAST_SIGN = 3
    MOST_SIGN = 24
    MOST_SIGNS = 255
    PLACES = 1 << 14
    KEY_LETTERS = 10

cdef enum:
    ANYTHING, VALUE, VALUE_NO_NUMBER, KEY, PASSWORD, BLANK, DASHES

cdef dict _THEN = {
    Then.ANYTHING: ANYTHING,
    Then.VALUE: VALUE,
    Then.VALUE_NO_NUMBER: VALUE_NO_NUMBER,
    Then.KEY: KEY,
    Then.PASSWORD: PASSWORD,
    Then.SPACE: BLANK,
    Then.DASHES: DASHES,
}

cdef struct Known:
    unsigned char[MOST_SIGN] text
    int size, then
    int next  # that begins with the same three letters


@cython.final
cdef class Sieve:
    """Holds back every text that the gate of some rules could fire on, and few others."""

    cdef unsigned char[PLACES] _first
    cdef Known[MOST_SIGNS + 1] _signs
    cdef int _count

    def __init__(self, signs):
        memset(self._first, 0, sizeof(self._first))
        self._count = 0
        for sign in signs:
            if sign.text:
                self._add(sign.text.lower().encode("ascii"), _THEN[sign.then])

    cdef int _add(self, bytes text, int then) except -1:
        cdef bint is_found = text[:1].isalpha() or text[:1] == b":"
        if not is_found or self._count == MOST_SIGNS or not LEAST_SIGN <= len(text) <= MOST_SIGN:
            raise ValueError(f"{text!r} cannot be a sign, or there are more than {MOST_SIGNS}")
        self._count += 1
        cdef Known *sign = &self._signs[self._count]
        cdef Py_ssize_t i
        for i in range(len(text)):
            sign.text[i] = <unsigned char>text[i] | 0x20
        sign.size = len(text)
        sign.then = then
        cdef uint32_t place = _place(sign.text)
        sign.next = self._first[place]
        self._first[place] = self._count
        return 0

    cpdef bint holds_back(self, bytes text):
        """Whether the text must be put to the gate."""
        cdef Text whole = Text(<const unsigned char *>PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
        return self._any_in_words(whole) or _any_long_run(whole) or _any_numbers(whole)

    cdef bint _any_in_words(self, Text text) noexcept:
        """Signs, which begin where words begin, at a capital or a colon; and phrases, which have no word of two letters."""
        cdef Py_ssize_t at = 0, checked = 0
        cdef uint64_t before = 0, others, after, starts
        cdef uint64_t letters = _letters(text, 0, &others), next_others
        while at < text.size:
            after = _letters(text, at + 64, &next_others)
            starts = letters & ~(letters << 1 | before)
            if self._any_sign(text, at, starts | others):
                return True
            starts &= ~((letters >> 1 | after << 63) & (letters >> 2 | after << 62))
            if _any_phrase(text, at, starts, &checked):
                return True
            before = letters >> 63
            letters, others = after, next_others
            at += 64
        return _is_phrase(text, checked)

    cdef bint _any_sign(self, Text text, Py_ssize_t at, uint64_t starts) noexcept:
        cdef Py_ssize_t i, last
        cdef unsigned char *first = self._first
        while starts:
            i = at + agent_trace_lowest(starts)
            starts &= starts - 1
            if i > text.size - LEAST_SIGN:
                return False
            if first[_place(text.at + i)] and self._is_sign(text, i):
                return True
            if i and _KINDS[text.at[i - 1]] & ENDS_ESCAPE:
                last = min(i + _letters_of_escape(text, i), text.size - LEAST_SIGN)
                while i < last:
                    i += 1
                    if first[_place(text.at + i)] and self._is_sign(text, i):
                        return True
        return False

    cdef bint _is_sign(self, Text text, Py_ssize_t i) noexcept:
        cdef int number = self._first[_place(text.at + i)]
        cdef Known *sign
        while number:
            sign = &self._signs[number]
            if _is_here(text, i, sign.text, sign.size) and self._counts(text, i, i + sign.size, sign.then):
                return True
            number = sign.next
        return False

    cdef bint _counts(self, Text text, Py_ssize_t i, Py_ssize_t end, int then) noexcept:
        """Whether what stands around a sign at [i, end) is as it must be."""
        if then == ANYTHING:
            return True
        if then == DASHES:
            return i >= 5 and memcmp(text.at + i - 5, b"-----", 5) == 0
        if then == PASSWORD:
            return _has_password(text, i + 1)
        if then == VALUE or then == VALUE_NO_NUMBER:
            return (_is_edge(text, i) or c"A" <= text.at[i] <= c"Z") and _announces(text, i, end, then)
        if not _is_edge(text, i):
            return False
        if then == BLANK:
            return not _is(text, end, LETTER)
        cdef Py_ssize_t stop = end + KEY_LETTERS
        while end < stop and _is(text, end, IN_KEY):
            end += 1
        return end == stop
