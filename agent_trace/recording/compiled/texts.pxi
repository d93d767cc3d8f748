# Texts as bytes, for the sieve: what kind each byte is of, and what is where.

cdef extern from *:
    """
    /* Which of 64 bytes are letters of ASCII, a bit each. */
    #if defined(__SSE2__)
    #include <emmintrin.h>
    static inline uint64_t agent_trace_letters(const unsigned char *at) {
        uint64_t found = 0;
        for (int i = 0; i < 4; i++) {
            __m128i bytes = _mm_loadu_si128((const __m128i *)(at + 16 * i));
            /* a to z become the 26 smallest of the signed bytes */
            __m128i moved = _mm_add_epi8(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), _mm_set1_epi8(0x80 - 'a'));
            __m128i letters = _mm_cmplt_epi8(moved, _mm_set1_epi8(-128 + 26));
            found |= (uint64_t)_mm_movemask_epi8(letters) << 16 * i;
        }
        return found;
    }
    #else
    static inline uint64_t agent_trace_letters(const unsigned char *at) {
        uint64_t found = 0;
        for (int i = 0; i < 64; i++)
            found |= (uint64_t)((unsigned char)((at[i] | 0x20) - 'a') < 26) << i;
        return found;
    }
    #endif
    static inline int agent_trace_lowest(uint64_t bits) { return __builtin_ctzll(bits); }
    """
    uint64_t agent_trace_letters(const unsigned char *at) noexcept
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
    if i < 0 or i + size > text.size:
        return False
    for k in range(size):
        if text.at[i + k] | 0x20 != what[k]:
            return False
    return True


cdef inline uint64_t _eight(const unsigned char *at) noexcept:
    cdef uint64_t found
    memcpy(&found, at, 8)
    return found | 0x2020202020202020ULL


cdef inline uint32_t _three_bytes(const unsigned char *at) noexcept:
    return (at[0] | at[1] << 8 | at[2] << 16) | 0x202020


cdef inline uint32_t _place(uint64_t three) noexcept:
    """Of three bytes in lower case, where the signs are that begin so. A fourth one is multiplied away."""
    return <uint32_t>(<uint32_t>three * 0x3779B100U) >> 18
