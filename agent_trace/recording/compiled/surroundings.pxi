# What stands around a sign, for the sieve: as the patterns of the gate allow it, and more, never less.
#
# Names in capitals in what is said here are the parts of those patterns: see `rule.py` and `names.py`.

cdef enum:
    HEX_OF_NO_NUMBER = 16
    LONGEST_FLAG = 44
    FAR = 256

cdef list _SUFFIXES = [b"confirmation", b"confirm", b"base64", b"text", b"value", b"plain", b"new", b"old", b"b64", b"hex"]


cdef bint _is_edge(Text text, Py_ssize_t i) noexcept:
    """EDGE, in capitals or not: no letter or digit before, or one that ends an escape, or the `m` of a colour."""
    if i == 0 or not _is(text, i - 1, LETTER | DIGIT):
        return True
    return (
        (i >= 2 and (text.at[i - 2] == c"\\" or (text.at[i - 1] | 0x20 == c"m" and _is(text, i - 2, DIGIT | AFTER_WORD))))
        or (i >= 3 and text.at[i - 3] == c"%")
        or (i >= 6 and text.at[i - 5] | 0x20 == c"u" and text.at[i - 6] == c"\\")
    )


cdef int _letters_of_escape(Text text, Py_ssize_t i) noexcept:
    """How many letters from `i` on may be the end of an escape of EDGE that began before."""
    cdef unsigned char before = text.at[i - 1]
    if before == c"\\":
        return 5 if text.at[i] | 0x20 == c"u" else 1
    if before == c"%":
        return 2
    return 3 if _KINDS[before] & DIGIT else 1


cdef bint _announces(Text text, Py_ssize_t i, Py_ssize_t end, int then) noexcept:
    """Whether a value may follow a name: FOLLOWS, a statement, or the SPACE after a flag."""
    cdef bint is_flag = i > 0 and (text.at[i - 1] == c"-" or text.at[i - 1] == c"_" or text.at[i - 1] == c".")
    cdef bint quoted = False, spaced = False
    cdef unsigned char c
    end = _after_suffix(text, end)
    while end < text.size:
        c = text.at[end]
        end += 1
        if c == c"%" or c == c":" or c == c"=" or c == c">":
            return then == VALUE or c == c"%" or _is_no_number(text, end)
        if c == c'"' or c == c"'" or c == c"`":
            quoted = True
        elif c == c"," or c == c"]" or c == c"}":
            if quoted:
                return True
            if c != c"]":
                return False
        elif _KINDS[c] & SPACE or (c == c"\\" and _is_escape(text, end)):
            end += c == c"\\"
            spaced = True
            if is_flag and _has_two_dashes(text, i):
                return True
        elif c == c"v":
            return quoted
        elif c | 0x20 == c"i" or c | 0x20 == c"w":
            return spaced
        elif c != c"\\" and c != c"*" and c != c")" and c != c"_":
            return False
    return False


cdef Py_ssize_t _after_suffix(Text text, Py_ssize_t i) noexcept:
    cdef bint found = True
    while found:
        found = False
        while _is(text, i, IN_SUFFIX):
            i += 1
        if _is(text, i, LETTER):
            for suffix in _SUFFIXES:
                if _is_here(text, i, <const unsigned char *>PyBytes_AS_STRING(<bytes>suffix), PyBytes_GET_SIZE(<bytes>suffix)):
                    i += PyBytes_GET_SIZE(<bytes>suffix)
                    found = True
                    break
    return i


cdef bint _is_escape(Text text, Py_ssize_t i) noexcept:
    return i < text.size and (text.at[i] == c"n" or text.at[i] == c"r" or text.at[i] == c"t")


cdef bint _is_no_number(Text text, Py_ssize_t i) noexcept:
    """_NO_NUMBER, after what assigns."""
    cdef Py_ssize_t end
    while _is(text, i, SPACE):
        i += 1
    if not _is(text, i, DIGIT):
        return i < text.size and text.at[i] != c"." and text.at[i] != c"-"
    end = i
    while end < text.size and _is_hex_or_x(text.at[end]):
        end += 1
    return end - i >= HEX_OF_NO_NUMBER


cdef bint _has_password(Text text, Py_ssize_t i) noexcept:
    """Whether a URL goes on with a user, a password and an `@`, or for long without an end."""
    cdef Py_ssize_t stop
    for _ in range(2):
        while i < text.size and text.at[i] == c"\\":
            i += 1
        if i >= text.size or text.at[i] != c"/":
            return False
        i += 1
    while i < text.size and not _KINDS[text.at[i]] & ENDS_HOST:
        i += 1
    if i >= text.size or text.at[i] != c":":
        return False
    stop = i + FAR
    while i < text.size and not _KINDS[text.at[i]] & ENDS_PASSWORD:
        if text.at[i] == c"@" or i == stop:
            return True
        i += 1
    return False


cdef bint _has_two_dashes(Text text, Py_ssize_t i) noexcept:
    """Whether a name at `i` ends a flag."""
    cdef Py_ssize_t stop = max(2, i - LONGEST_FLAG)
    while i >= stop:
        if text.at[i - 1] == c"-" and text.at[i - 2] == c"-":
            return True
        i -= 1
    return False


cdef bint _is_hex_or_x(unsigned char c) noexcept:
    return c"0" <= c <= c"9" or c"a" <= c | 0x20 <= c"f" or c | 0x20 == c"x"
