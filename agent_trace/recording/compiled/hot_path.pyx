# cython: language_level=3str, boundscheck=False, wraparound=False, nonecheck=True
"""What every traced call goes through, compiled. Each part says which Python module it stands for; those are the judges.

One extension module for all of them, because each takes its time to load.
"""

cimport cython
from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem, PyDict_Next, PyDict_SetItem, PyDict_Update
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

import os
import time

import orjson
from opentelemetry.context.context import Context

from agent_trace.recording import call_steps, clock, current_context, guard, lifecycle, recent, record, scope
from agent_trace.recording.capturing.capture import capture
from agent_trace.recording.capturing import repeated
from agent_trace.recording.capturing.plain import survey
from agent_trace.recording.redaction.rule import Then
from agent_trace.recording.redaction.signs import signs_of
from agent_trace.recording.reading import arguments, results

cdef extern from "Python.h":
    bint PyDict_CheckExact(object value)
    bint PyList_CheckExact(object value)
    bint PyUnicode_CheckExact(object value)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    int PyUnicode_KIND(object text)
    void *PyUnicode_DATA(object text)
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL
    object PyUnicode_DecodeASCII(const char *data, Py_ssize_t size, const char *errors)
    int PyContextVar_Get(object variable, PyObject *otherwise, PyObject **value) except -1
    object PyContextVar_Set(object variable, object value)
    int PyContextVar_Reset(object variable, object token) except -1
    unsigned long PyThread_get_thread_ident()
    ctypedef struct PyTypeObject:
        object (*tp_new)(PyTypeObject *kind, object args, PyObject *named)

# Looked up once: a name of the module costs more than one of C.
cdef object _dumps = orjson.dumps
cdef object _random = os.urandom
cdef object _contain = guard.contain
cdef object _survey = survey
cdef object _given_ns = clock.given_ns
cdef object _capture = capture
cdef object _own_fields = record.own_fields
cdef object _Context = Context
cdef object _variable = current_context.VARIABLE
cdef object _foreign_context = current_context
cdef object _read_instance = arguments.read_instance
cdef object _read_parameters = arguments.read_parameters
cdef object _WORTH_READING = arguments.WORTH_READING
cdef object _read_result = results.read_result
cdef object _monotonic_s = time.monotonic
cdef object _finished_in_context = recent.in_context
cdef list _finished_in_main_thread = recent.in_main_thread
cdef unsigned long _MAIN_THREAD = recent.MAIN_THREAD
cdef tuple _NO_ARGUMENTS = ()
cdef object _SCOPE_KEY = scope.SCOPE_KEY
cdef object _EMPTY = scope.EMPTY
cdef object _CURRENT = lifecycle.CURRENT
cdef object _OURS = lifecycle.OURS
cdef object _NOTHING = lifecycle.NOTHING
cdef object _READ_TYPES = lifecycle.READ_TYPES
cdef object _UNPREPARED = call_steps.UNPREPARED

include "pieces.pxi"
include "spans.pxi"
include "texts.pxi"
include "surroundings.pxi"
include "shapes.pxi"
include "sieve.pxi"
include "lifecycle.pxi"
include "calls.pxi"
include "appending.pxi"
