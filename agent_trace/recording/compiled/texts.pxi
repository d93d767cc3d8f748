# Texts as bytes, for the sieve: what kind each byte is of, and what is where.

cdef extern from *:
    """
    /* Of 64 bytes, a bit each: which are letters of ASCII, and which are capitals or colons. */
    #if defined(__SSE2__)
    #include <emmintrin.h>
    static inline uint64_t agent_trace_letters(const unsigned char *at, uint64_t *others) {
        uint64_t found = 0, more = 0;
        /* The 26 letters become the smallest of the signed bytes. */
        const __m128i smallest = _mm_set1_epi8(-128 + 26);
        for (int i = 0; i < 4; i++) {
            __m128i bytes = _mm_loadu_si128((const __m128i *)(at + 16 * i));
            __m128i small = _mm_add_epi8(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), _mm_set1_epi8(0x80 - 'a'));
            __m128i large = _mm_add_epi8(bytes, _mm_set1_epi8((char)(0x80 - 'A')));
            __m128i other = _mm_or_si128(_mm_cmplt_epi8(large, smallest), _mm_cmpeq_epi8(bytes, _mm_set1_epi8(':')));
            found |= (uint64_t)_mm_movemask_epi8(_mm_cmplt_epi8(small, smallest)) << 16 * i;
            more |= (uint64_t)_mm_movemask_epi8(other) << 16 * i;
        }
        *others = more;
        return found;
    }
    #else
    static inline uint64_t agent_trace_letters(const unsigned char *at, uint64_t *others) {
        uint64_t found = 0, more = 0;
        for (int i = 0; i < 64; i++) {
            found |= (uint64_t)((unsigned char)((at[i] | 0x20) - 'a') < 26) << i;
            more |= (uint64_t)((unsigned char)(at[i] - 'A') < 26 || at[i] == ':') << i;
        }
        *others = more;
        return found;
    }
    #endif
    static inline int agent_trace_lowest(uint64_t bits) { return __builtin_ctzll(bits); }
    """
    uint64_t agent_trace_letters(const unsigned char *at, uint64_t *others) noexcept
    int agent_trace_lowest(uint64_t bits) noexcept

cdef enum:
    LETTER = 1
    DIGIT = 2
    SPACE = 4
    IN_KEY = 8
    IN_SUFFIX = 16
    IN_LONG = 32
    IN_NUMBERS = 64
    IN_PHRASE = 128
    AFTER_WORD = 256
    ENDS_HOST = 512
    ENDS_PASSWORD = 1024
    ENDS_ESCAPE = 2048

cdef dict _KINDS_OF_BYTES = {
    LETTER: b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    DIGIT: b"0123456789",
    SPACE: b" \t\n\f\r",
    IN_KEY: b"_.%/+\\-",
    IN_SUFFIX: b"0123456789_-",
    IN_LONG: b"_.:-",
    IN_NUMBERS: b" \t\n\f\r,\\nrt0123456789",
    IN_PHRASE: b" \t\n\f\r,;|\\\"'`:.)#]-0123456789",
    AFTER_WORD: b" \t\n\r,;|\\\"'`",
    ENDS_HOST: b" \t\n\f\r/?#@:\"'`<>",
    ENDS_PASSWORD: b" \t\n\f\r\"'`<>",
    ENDS_ESCAPE: b"\\%;0123456789",  # or the part of it that is before letters
}

cdef uint16_t[256] _KINDS


cdef int _sort_bytes() except -1:
    cdef unsigned char c
    memset(_KINDS, 0, sizeof(_KINDS))
    for kind, letters in _KINDS_OF_BYTES.items():
        for c in <bytes>letters:
            _KINDS[c] |= <int>kind
            if kind == LETTER or kind == DIGIT:
                _KINDS[c] |= IN_KEY | IN_LONG
    return 0


_sort_bytes()


cdef struct Text:
    const unsigned char *at
    Py_ssize_t size


cdef bint _is(Text text, Py_ssize_t i, int kinds) noexcept:
    return i < text.size and _KINDS[text.at[i]] & kinds != 0


cdef bint _is_here(Text text, Py_ssize_t i, const unsigned char *what, Py_ssize_t size) noexcept:
    """Whether a text is there, in capitals or not."""
    cdef Py_ssize_t k
    if i + size > text.size:
        return False
    for k in range(size):
        if text.at[i + k] | 0x20 != what[k]:
            return False
    return True


cdef uint64_t _letters(Text text, Py_ssize_t i, uint64_t *others) noexcept:
    """Which of the next 64 bytes are letters, and which are capitals or colons."""
    cdef unsigned char[64] rest
    if i + 64 <= text.size:
        return agent_trace_letters(text.at + i, others)
    others[0] = 0
    if i >= text.size:
        return 0
    memset(rest, 0, 64)
    memcpy(rest, text.at + i, text.size - i)
    return agent_trace_letters(rest, others)


cdef inline uint32_t _place(const unsigned char *at) noexcept:
    """Of three bytes, where the signs are that begin so. The one after them is read, and multiplied away."""
    cdef uint32_t four
    memcpy(&four, at, 4)
    return <uint32_t>((four | 0x202020U) * 0x3779B100U) >> 18
