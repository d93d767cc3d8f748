# Shapes that secrets have, for the sieve: long runs of letters, arrays of numbers, words as in a seed phrase.

cdef enum:
    LONG_RUN = 32
    LONG_KEY = 50
    TELEGRAM_NUMBER = 8
    TELEGRAM_REST = 35
    DISCORD_FIRST = 24
    DISCORD_MIDDLE = 6
    NUMBERS = 24
    MOST_DIGITS = 3
    NUMBERS_RUN = 48  # each with a digit and a comma
    TOO_LONG_WORD = 10
    WHOLE_WORDS = 10
    PHRASE_RUN = 39  # ten words of three letters


cdef bint _any_long_run(Text text) noexcept:
    """Letters and digits as in a long key, a Telegram or a Discord token."""
    cdef Py_ssize_t start = 0, i
    while start + LONG_RUN <= text.size:
        i = start + LONG_RUN
        while i > start and _KINDS[text.at[i - 1]] & IN_LONG:
            i -= 1
        if i == start:
            while _is(text, i, IN_LONG):
                i += 1
            if _is_long_run(text, start, i):
                return True
        start = i
    return False


cdef bint _is_long_run(Text text, Py_ssize_t start, Py_ssize_t end) noexcept:
    cdef Py_ssize_t i, plain = 0, in_part = 0, digits = 0
    cdef bint after_number = False, after_long_part = False
    cdef unsigned char c
    for i in range(start, end):
        c = text.at[i]
        if c == c":" or c == c".":
            if c == c"." and after_long_part and in_part == DISCORD_MIDDLE:
                return True
            after_number = c == c":" and digits >= TELEGRAM_NUMBER
            after_long_part = c == c"." and in_part >= DISCORD_FIRST
            plain = in_part = digits = 0
            continue
        in_part += 1
        digits = digits + 1 if _KINDS[c] & DIGIT else 0
        plain = plain + 1 if _KINDS[c] & (LETTER | DIGIT) else 0
        if plain == LONG_KEY or (after_number and in_part == TELEGRAM_REST):
            return True
    return False


cdef bint _any_numbers(Text text) noexcept:
    """A long array of small numbers."""
    cdef Py_ssize_t start = 0, i
    cdef int numbers, digits
    while start + NUMBERS_RUN <= text.size:
        i = start + NUMBERS_RUN
        while i > start and _KINDS[text.at[i - 1]] & IN_NUMBERS:
            i -= 1
        if i == start:
            numbers = digits = 0
            while _is(text, i, IN_NUMBERS):
                digits = digits + 1 if _KINDS[text.at[i]] & DIGIT else 0
                numbers = 0 if digits > MOST_DIGITS else numbers + (text.at[i] == c",")
                if numbers == NUMBERS:
                    return True
                i += 1
        start = i
    return False


cdef bint _any_phrase(Text text) noexcept:
    """Twelve words as in a seed phrase. Ten of them are whole, whatever stands before and after: those are counted.

    What lies between words that are too short for it is looked at closely where it is long enough.
    """
    cdef Py_ssize_t at = 0, start = 0, i
    cdef uint64_t before = 0, letters = _letters(text, 0), after, short_words
    while at < text.size:
        after = _letters(text, at + 64)
        short_words = letters & ~(letters << 1 | before)
        short_words &= ~((letters >> 1 | after << 63) & (letters >> 2 | after << 62))
        while short_words:
            i = at + agent_trace_lowest(short_words)
            short_words &= short_words - 1
            if i > 0 and text.at[i - 1] == c"\\":
                continue
            if i - start >= PHRASE_RUN and _is_phrase(Text(text.at, i), start):
                return True
            start = i + 1
        before = letters >> 63
        letters = after
        at += 64
    return text.size - start >= PHRASE_RUN and _is_phrase(text, start)


cdef uint64_t _letters(Text text, Py_ssize_t i) noexcept:
    """Which of the next 64 bytes are letters."""
    cdef unsigned char[64] rest
    if i + 64 <= text.size:
        return agent_trace_letters(text.at + i)
    if i >= text.size:
        return 0
    memset(rest, 0, 64)
    memcpy(rest, text.at + i, text.size - i)
    return agent_trace_letters(rest)


cdef bint _is_phrase(Text text, Py_ssize_t start) noexcept:
    cdef Py_ssize_t broken
    while start + PHRASE_RUN <= text.size:
        broken = _broken_before(text, start, start + PHRASE_RUN)
        if not broken:
            broken = start
            if _words(text, &broken) >= WHOLE_WORDS:
                return True
        start = broken
    return False


cdef Py_ssize_t _broken_before(Text text, Py_ssize_t start, Py_ssize_t i) noexcept:
    """The end of the last thing in [start, i) that is in no phrase; 0 when there is none."""
    cdef Py_ssize_t first, end
    while i > start:
        if not _KINDS[text.at[i - 1]] & LETTER:
            if not _KINDS[text.at[i - 1]] & IN_PHRASE:
                return i
            i -= 1
            continue
        end = _end_of_word(text, i)
        first = _start_of_word(text, i - 1, end)
        if not _fits_phrase(text, first, end):
            return end
        if end - first > 1 and end < text.size and not _KINDS[text.at[end]] & AFTER_WORD:
            return end + 1
        i = first
    return 0


cdef int _words(Text text, Py_ssize_t *at) noexcept:
    """How many words of a phrase follow, as far as it matters, and where that ends."""
    cdef Py_ssize_t first, end, i = at[0]
    cdef int found = 0
    while i < text.size and found < WHOLE_WORDS:
        if not _KINDS[text.at[i]] & LETTER:
            i += 1
            if not _KINDS[text.at[i - 1]] & IN_PHRASE:
                break
            continue
        end = _end_of_word(text, i + 1)
        first = _start_of_word(text, i, end)
        i = end
        if not _fits_phrase(text, first, end):
            break
        if end - first > 1:
            found += 1
            if end < text.size and not _KINDS[text.at[end]] & AFTER_WORD:
                break
    at[0] = i
    return found


cdef Py_ssize_t _end_of_word(Text text, Py_ssize_t i) noexcept:
    cdef Py_ssize_t stop = i + TOO_LONG_WORD
    while i < stop and _is(text, i, LETTER):
        i += 1
    return i


cdef Py_ssize_t _start_of_word(Text text, Py_ssize_t i, Py_ssize_t end) noexcept:
    while i > 0 and end - i < TOO_LONG_WORD and _KINDS[text.at[i - 1]] & LETTER:
        i -= 1
    return i


cdef bint _fits_phrase(Text text, Py_ssize_t first, Py_ssize_t end) noexcept:
    """Whether a run of letters is a word of a phrase, the letter of an escape, or one and then the other."""
    cdef Py_ssize_t letters = end - first
    if 3 <= letters <= 8:
        return True
    return (letters == 1 or letters == 9) and first > 0 and text.at[first - 1] == c"\\"
