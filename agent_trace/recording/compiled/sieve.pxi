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
    ANYTHING, VALUE, VALUE_NO_NUMBER, KEY, PASSWORD, BLANK

cdef dict _THEN = {
    Then.ANYTHING: ANYTHING,
    Then.VALUE: VALUE,
    Then.VALUE_NO_NUMBER: VALUE_NO_NUMBER,
    Then.KEY: KEY,
    Then.PASSWORD: PASSWORD,
    Then.SPACE: BLANK,
}

# Signs are looked for by three letters of theirs that are rare in prose. From the commonest to the rarest:
cdef bytes _BY_RARITY = b"etaoinshrdlcumwfgypbvkjxqz"

cdef struct Known:
    unsigned char[MOST_SIGN] text
    int size, then
    int rare  # where its rarest letters begin
    int next  # that has the same rarest letters
    int longer  # word that ends in this one: `apikey` for `key`


@cython.final
cdef class Sieve:
    """Holds back every text that the gate of some rules could fire on, and few others."""

    cdef unsigned char[PLACES] _first
    cdef Known[MOST_SIGNS + 1] _signs
    cdef int _count

    def __init__(self, signs):
        memset(self._first, 0, sizeof(self._first))
        self._count = 0
        for sign in sorted(signs, key=lambda sign: len(sign.text)):
            if sign.text:
                self._add(sign.text.lower().encode("ascii"), _THEN[sign.then])

    cdef int _add(self, bytes text, int then) except -1:
        """Add a sign, of which no shorter one comes later."""
        if self._count == MOST_SIGNS or not LEAST_SIGN <= len(text) <= MOST_SIGN:
            raise ValueError(f"{text!r} cannot be a sign, or there are more than {MOST_SIGNS}")
        self._count += 1
        cdef Known *sign = &self._signs[self._count]
        cdef Py_ssize_t i
        for i in range(len(text)):
            sign.text[i] = <unsigned char>text[i] | 0x20
        sign.size = len(text)
        sign.then = then
        sign.rare = _rarest(text)
        sign.longer = 0
        cdef Known *ending = self._ending_of(sign)
        if ending is not NULL:
            sign.longer = ending.longer
            ending.longer = self._count
            return 0
        cdef uint32_t place = _place(_three_bytes(sign.text + sign.rare))
        sign.next = self._first[place]
        self._first[place] = self._count
        return 0

    cdef Known *_ending_of(self, Known *sign) noexcept:
        """A shorter word that this one ends in, so that looking for the other is enough."""
        cdef int i
        cdef Known *each
        for i in range(1, self._count):
            each = &self._signs[i]
            if each.then == sign.then == VALUE and memcmp(sign.text + sign.size - each.size, each.text, each.size) == 0:
                return each
        return NULL

    cpdef bint holds_back(self, bytes text):
        """Whether the text must be put to the gate."""
        cdef Text whole = Text(<const unsigned char *>PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))
        return self._any_sign(whole) or _any_long_run(whole) or _any_numbers(whole) or _any_phrase(whole)

    cdef bint _any_sign(self, Text text) noexcept:
        cdef Py_ssize_t i = 0, k
        cdef uint64_t one, other
        cdef unsigned char *first = self._first
        while i + 10 <= text.size:
            one = _eight(text.at + i)
            other = _eight(text.at + i + 2)
            if (
                first[_place(one)] | first[_place(one >> 8)] | first[_place(one >> 16)] | first[_place(one >> 24)]
                | first[_place(one >> 32)] | first[_place(one >> 40)]
                | first[_place(other >> 32)] | first[_place(other >> 40)]
            ):
                for k in range(i, i + 8):
                    if first[_place(_three_bytes(text.at + k))] and self._is_sign(text, k):
                        return True
            i += 8
        for k in range(i, text.size - 2):
            if self._is_sign(text, k):
                return True
        return False

    cdef bint _is_sign(self, Text text, Py_ssize_t i) noexcept:
        cdef int number = self._first[_place(_three_bytes(text.at + i))]
        cdef Known *sign
        cdef Py_ssize_t start
        while number:
            sign = &self._signs[number]
            start = i - sign.rare
            if _is_here(text, start, sign.text, sign.size):
                if self._counts(text, start, start + sign.size, sign.then):
                    return True
                if sign.longer and self._is_longer(text, start + sign.size, sign.longer):
                    return True
            number = sign.next
        return False

    cdef bint _is_longer(self, Text text, Py_ssize_t end, int number) noexcept:
        """Whether one of the words is there that end in what ends here."""
        cdef Known *sign
        while number:
            sign = &self._signs[number]
            if _is_here(text, end - sign.size, sign.text, sign.size):
                if self._counts(text, end - sign.size, end, VALUE):
                    return True
            number = sign.longer
        return False

    cdef bint _counts(self, Text text, Py_ssize_t i, Py_ssize_t end, int then) noexcept:
        """Whether what stands around a sign at [i, end) is as it must be."""
        if then == ANYTHING:
            return True
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


cdef Py_ssize_t _rarest(bytes text):
    """Where the three letters begin that are the rarest together; what is no letter is rarer than any, but for `---`."""
    cdef list ranks = [_BY_RARITY.find(each) % 32 for each in text]
    return max(range(len(text) - 2), key=lambda at: (len({*text[at : at + 3]}), sum(ranks[at : at + 3])))
