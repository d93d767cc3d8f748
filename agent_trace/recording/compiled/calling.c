/* What an observed function does when it is called: `_call` of `calls.py`, and the way there.
 *
 * wrapt would ask every function for a `__self__`, which functions have not, and what it calls would be two frames of
 * Python more. By hand and not in Cython: so there is no frame of ours in a traceback of the program's.
 */

#include <Python.h>
#include <stddef.h>

#if PY_VERSION_HEX < 0x030C0000
/* As later versions have it: the exception alone. */
static PyObject *
PyErr_GetRaisedException(void)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(error, traceback);
    }
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return error;
}

static void
PyErr_SetRaisedException(PyObject *error)
{
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(error)), error, PyException_GetTraceback(error));
}
#endif

/* Of the one interpreter that may load this module. */
static PyObject *process_is_on, *process_steps, *coroutine_type, *call_as_wrapt_does;
static PyObject *name_begin, *name_close, *name_wrapped, *name_wrapper, *names_of_error;

/* The wrapper of a plain function, which observes a call from beginning to end. */
typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *target;
    PyObject *end_later;
} PlainCall;

/* Close the span of a call that raised, and leave raised what it raised. */
static void
close_failed(PyObject *steps, PyObject *span)
{
    PyObject *error = PyErr_GetRaisedException();
    PyObject *given[] = {steps, span, error};
    PyObject *closed = PyObject_VectorcallMethod(name_close, given, 2, names_of_error);
    if (closed == NULL) {
        PyObject *another = PyErr_GetRaisedException();
        PyException_SetContext(another, error);
        PyErr_SetRaisedException(another);
        return;
    }
    Py_DECREF(closed);
    PyErr_SetRaisedException(error);
}

/* What the program is given; takes the reference to what its function returned. */
static PyObject *
close_ended(PlainCall *self, PyObject *steps, PyObject *span, PyObject *result)
{
    PyObject *closed;
    if ((PyObject *)Py_TYPE(result) == coroutine_type) {
        PyObject *given[] = {steps, span, result};
        closed = PyObject_Vectorcall(self->end_later, given, 3, NULL);
        Py_DECREF(result);
        return closed;
    }
    PyObject *given[] = {steps, span, result};
    closed = PyObject_VectorcallMethod(name_close, given, 3, NULL);
    if (closed == NULL) {
        Py_DECREF(result);
        return NULL;
    }
    Py_DECREF(closed);
    return result;
}

static PyObject *
observe(PlainCall *self, PyObject *wrapped, PyObject *instance, PyObject *args, PyObject *kwargs)
{
    PyObject *result = NULL, *span = NULL;
    PyObject *steps = PyObject_CallNoArgs(process_steps);
    if (steps == NULL) {
        return NULL;
    }
    PyObject *given[] = {steps, self->target, instance, args, kwargs};
    span = PyObject_VectorcallMethod(name_begin, given, 5, NULL);
    if (span != NULL) {
        result = PyObject_Call(wrapped, args, kwargs);
        if (result == NULL) {
            close_failed(steps, span);
        } else {
            result = close_ended(self, steps, span, result);
        }
        Py_DECREF(span);
    }
    Py_DECREF(steps);
    return result;
}

static PyObject *
plain_call(PyObject *self, PyObject *const *given, size_t flags, PyObject *names)
{
    if (PyVectorcall_NARGS(flags) != 4 || names != NULL || !PyTuple_Check(given[2]) || !PyDict_Check(given[3])) {
        PyErr_SetString(PyExc_TypeError, "a wrapper takes what is wrapped, an instance, a tuple and a dict");
        return NULL;
    }
    return observe((PlainCall *)self, given[0], given[1], given[2], given[3]);
}

static PyObject *
plain_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *target, *end_later;
    if (!PyArg_UnpackTuple(args, "PlainCall", 2, 2, &target, &end_later)) {
        return NULL;
    }
    PlainCall *self = (PlainCall *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->vectorcall = plain_call;
        self->target = Py_NewRef(target);
        self->end_later = Py_NewRef(end_later);
    }
    return (PyObject *)self;
}

static int
plain_traverse(PlainCall *self, visitproc visit, void *arg)
{
    Py_VISIT(self->target);
    Py_VISIT(self->end_later);
    return 0;
}

static int
plain_clear(PlainCall *self)
{
    Py_CLEAR(self->target);
    Py_CLEAR(self->end_later);
    return 0;
}

static void
plain_dealloc(PlainCall *self)
{
    PyObject_GC_UnTrack(self);
    plain_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static PyTypeObject PlainCallType = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "agent_trace.recording.compiled.calling.PlainCall",
    .tp_doc = "The wrapper of a plain function: a target, and what ends a call that returned a coroutine.",
    .tp_basicsize = sizeof(PlainCall),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_new = plain_new,
    .tp_dealloc = (destructor)plain_dealloc,
    .tp_traverse = (traverseproc)plain_traverse,
    .tp_clear = (inquiry)plain_clear,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(PlainCall, vectorcall),
};

/* Call a function that is on: -1 after an error. */
static int
is_on(void)
{
    PyObject *on = PyObject_CallNoArgs(process_is_on);
    if (on == NULL) {
        return -1;
    }
    int found = PyObject_IsTrue(on);
    Py_DECREF(on);
    return found;
}

static PyObject *
call_function(PyObject *observed, PyObject *function, PyObject *args, PyObject *kwargs)
{
    PyObject *result = NULL;
    PyObject *wrapper = PyObject_GetAttr(observed, name_wrapper);
    if (wrapper == NULL) {
        return NULL;
    }
    PyObject *named = kwargs == NULL ? PyDict_New() : Py_NewRef(kwargs);
    if (named != NULL) {
        if (Py_IS_TYPE(wrapper, &PlainCallType)) {
            result = observe((PlainCall *)wrapper, function, Py_None, args, named);
        } else {
            result = PyObject_CallFunctionObjArgs(wrapper, function, Py_None, args, named, NULL);
        }
        Py_DECREF(named);
    }
    Py_DECREF(wrapper);
    return result;
}

static PyObject *
call(PyObject *module, PyObject *all, PyObject *kwargs)
{
    PyObject *result = NULL;
    if (PyTuple_GET_SIZE(all) == 0) {
        PyErr_SetString(PyExc_TypeError, "nothing to call");
        return NULL;
    }
    PyObject *observed = PyTuple_GET_ITEM(all, 0);
    PyObject *wrapped = PyObject_GetAttr(observed, name_wrapped);
    if (wrapped == NULL) {
        return NULL;
    }
    if (!PyFunction_Check(wrapped)) {
        /* Methods, classes and other callables, which wrapt knows how to bind. */
        Py_DECREF(wrapped);
        return PyObject_Call(call_as_wrapt_does, all, kwargs);
    }
    PyObject *args = PyTuple_GetSlice(all, 1, PyTuple_GET_SIZE(all));
    if (args != NULL) {
        int on = is_on();
        if (on > 0) {
            result = call_function(observed, wrapped, args, kwargs);
        } else if (on == 0) {
            result = PyObject_Call(wrapped, args, kwargs);
        }
        Py_DECREF(args);
    }
    Py_DECREF(wrapped);
    return result;
}

static PyMethodDef call_definition = {
    "call", (PyCFunction)(void (*)(void))call, METH_VARARGS | METH_KEYWORDS, "Call an observed callable."};

static int
import_what_is_called(void)
{
    PyObject *process = PyImport_ImportModule("agent_trace.recording.process");
    PyObject *types = PyImport_ImportModule("types");
    PyObject *wrapt = PyImport_ImportModule("wrapt");
    PyObject *wrapper = wrapt == NULL ? NULL : PyObject_GetAttrString(wrapt, "FunctionWrapper");
    if (process != NULL && types != NULL && wrapper != NULL) {
        process_is_on = PyObject_GetAttrString(process, "is_on");
        process_steps = PyObject_GetAttrString(process, "steps");
        coroutine_type = PyObject_GetAttrString(types, "CoroutineType");
        call_as_wrapt_does = PyObject_GetAttrString(wrapper, "__call__");
    }
    Py_XDECREF(process);
    Py_XDECREF(types);
    Py_XDECREF(wrapt);
    Py_XDECREF(wrapper);
    name_begin = PyUnicode_InternFromString("begin");
    name_close = PyUnicode_InternFromString("close");
    name_wrapped = PyUnicode_InternFromString("__wrapped__");
    name_wrapper = PyUnicode_InternFromString("_self_wrapper");
    names_of_error = Py_BuildValue("(s)", "error");
    return PyErr_Occurred() ? -1 : 0;
}

static int
fill(PyObject *module)
{
    static int64_t interpreter = -1;
    int64_t ours = PyInterpreterState_GetID(PyInterpreterState_Get());
    if (interpreter >= 0 && interpreter != ours) {
        PyErr_SetString(PyExc_ImportError, "loaded by another interpreter of this process");
        return -1;
    }
    interpreter = ours;
    if (import_what_is_called() < 0 || PyType_Ready(&PlainCallType) < 0) {
        return -1;
    }
    PyObject *function = PyCFunction_New(&call_definition, NULL);
    /* Binds, as functions do, when it is found in a class. */
    PyObject *method = function == NULL ? NULL : PyInstanceMethod_New(function);
    Py_XDECREF(function);
    int failed = method == NULL || PyModule_AddObjectRef(module, "call", method) < 0
                 || PyModule_AddObjectRef(module, "PlainCall", (PyObject *)&PlainCallType) < 0;
    Py_XDECREF(method);
    return failed ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, fill}, {0, NULL}};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "agent_trace.recording.compiled.calling",
    .m_doc = "Calls of observed functions, compiled.",
    .m_slots = slots,
};

PyMODINIT_FUNC
PyInit_calling(void)
{
    return PyModuleDef_Init(&definition);
}
