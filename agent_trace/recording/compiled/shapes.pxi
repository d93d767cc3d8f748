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
    TOO_LONG_WORD = 14
    WHOLE_WORDS = 11
    PHRASE_RUN = 43  # so many words of three letters
    PHRASE = 47  # one more of them
    MOST_ESCAPED = 5  # `\uabcd`


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


cdef bint _any_phrase(Text text, Py_ssize_t at, uint64_t short_words, Py_ssize_t *checked) noexcept:
    """Twelve words as in a seed phrase, between the words of less than three letters that begin in 64 bytes at `at`.

    What is as long as a phrase is looked at closely. `checked`: up to where nothing is left to look at.
    """
    cdef Py_ssize_t i
    while short_words:
        i = at + agent_trace_lowest(short_words)
        short_words &= short_words - 1
        if i and _KINDS[text.at[i - 1]] & ENDS_ESCAPE:
            continue
        if i - checked[0] >= PHRASE and _is_phrase(Text(text.at, i), checked[0]):
            return True
        checked[0] = i + 1
    return False


cdef bint _is_phrase(Text text, Py_ssize_t start) noexcept:
    """Whether eleven words of a phrase follow each other, and a twelfth, of which three letters are enough."""
    cdef Py_ssize_t broken
    while start + PHRASE_RUN <= text.size:
        broken = _broken_before(text, start, start + PHRASE_RUN)
        if not broken:
            broken = start
            if _is_followed(text, &broken):
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


cdef bint _is_followed(Text text, Py_ssize_t *at) noexcept:
    """Whether the words of a phrase follow; if not, `at` is moved to where it is broken."""
    cdef Py_ssize_t first, end, i = at[0]
    cdef int found = 0
    while i < text.size:
        if not _KINDS[text.at[i]] & LETTER:
            i += 1
            if not _KINDS[text.at[i - 1]] & IN_PHRASE:
                break
            continue
        end = _end_of_word(text, i + 1)
        if found == WHOLE_WORDS and end - i >= 3:
            return True
        first = _start_of_word(text, i, end)
        i = end
        if not _fits_phrase(text, first, end):
            break
        if not _fits_inside(text, first, end):
            found = 0
        if end - first > 1:
            found = min(found + 1, WHOLE_WORDS)
            if end < text.size and not _KINDS[text.at[end]] & AFTER_WORD:
                break
    at[0] = i
    return False


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
    """Whether a run of letters is a word of a phrase, with the end of an escape before it or not, or that end alone."""
    cdef Py_ssize_t letters = end - first
    if 3 <= letters <= 8:
        return True
    return first > 0 and letters <= 8 + MOST_ESCAPED and _KINDS[text.at[first - 1]] & ENDS_ESCAPE != 0


cdef bint _fits_inside(Text text, Py_ssize_t first, Py_ssize_t end) noexcept:
    """The same of a word that is not the first: only what is white space is escaped before it."""
    cdef Py_ssize_t letters = end - first
    if first > 0 and text.at[first - 1] == c"\\":
        return _is_escape(text, first) and (letters == 1 or 4 <= letters <= 9)
    return 3 <= letters <= 8
