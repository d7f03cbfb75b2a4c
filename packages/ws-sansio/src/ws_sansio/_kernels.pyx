# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
# cython: nonecheck=True
"""
What Python can't express fast: masking, UTF-8 validation, the frame header.

The compiled twin of ``_kernels.py``, which says what each of these does.
"""

import os
from codecs import utf_8_decode

from ws_types.errors import ConcurrencyError

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.ref cimport Py_XDECREF, PyObject
from libc.string cimport memcpy, memset

cdef extern from "Python.h":
    PyObject *PyBytes_FromStringAndSize_ "PyBytes_FromStringAndSize"(
        const char *data, Py_ssize_t size
    ) except NULL
    int _PyBytes_Resize(PyObject **data, Py_ssize_t size) except -1
    PyObject *PyUnicode_New_ "PyUnicode_New"(Py_ssize_t size, Py_UCS4 maxchar) except NULL
    int PyUnicode_Resize(PyObject **text, Py_ssize_t size) except -1
    object PyUnicode_New(Py_ssize_t size, Py_UCS4 maxchar)
    void *PyUnicode_DATA(object text)
    object PyUnicode_DecodeUTF8(const char *data, Py_ssize_t size, const char *errors)
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL

cdef extern from "masking.h":
    void ws_mask(
        unsigned char *dst, const unsigned char *src, size_t n, const unsigned char *key, size_t phase
    )
    bint ws_mask_ascii(
        unsigned char *dst, const unsigned char *src, size_t n, const unsigned char *key, size_t phase
    )

cdef extern from "frame_header.h":
    ctypedef struct ws_frame_header:
        unsigned char first
        unsigned char masked
        unsigned char form
        uint64_t length
        unsigned char key[4]
    int ws_scan_header(ws_frame_header *h, const unsigned char *p, size_t n)
    int ws_write_header(
        unsigned char *p, unsigned char first, uint64_t length, const unsigned char *key
    )

cdef enum:
    POOL_SIZE = 4096
    # A payload in pieces starts with this much room, in bytes; below it, copying is cheapest.
    SMALL = 512


cdef object readable(object data):
    # An object whose buffer is the bytes in C order: a copy where the strides aren't simple.
    if isinstance(data, (bytes, bytearray)):
        return data
    if isinstance(data, memoryview):
        return data if data.c_contiguous else bytes(data)
    raise TypeError(f"data must be bytes, bytearray, or memoryview, not {type(data).__name__}")


cdef class Source:
    """The bytes of one read, between :meth:`open` and :meth:`close`."""

    def __cinit__(self):
        self.opened = False
        self.data = NULL
        self.size = 0

    def __dealloc__(self):
        self.close()

    cpdef int open(self, object data) except -1:
        cdef Py_buffer view
        PyObject_GetBuffer(readable(data), &view, PyBUF_SIMPLE)
        if self.opened:
            PyBuffer_Release(&view)
            raise ConcurrencyError("what was received before is still being decoded")
        self.view = view
        self.opened = True
        self.data = <const unsigned char *>self.view.buf
        self.size = self.view.len
        return 0

    cpdef void close(self):
        if self.opened:
            self.opened = False
            self.data = NULL
            self.size = 0
            PyBuffer_Release(&self.view)


cdef inline int check(Source source, Py_ssize_t start, uint64_t count) except -1:
    # Callers see to it, but a mistake of theirs must not read foreign memory.
    if start < 0 or start > source.size or count > <uint64_t>(source.size - start):
        raise IndexError("beyond the end of what was received")
    return 0


cdef class FrameHeader:
    """The header of the current frame (RFC 6455, section 5.2)."""

    def __cinit__(self):
        self.kept = 0
        self.complete = False
        self.first = self.form = 0
        self.masked = False
        self.length = 0

    @property
    def key(self):
        return PyBytes_FromStringAndSize(<char *>self.mask_key, 4) if self.masked else b""

    cpdef Py_ssize_t scan(self, Source source, Py_ssize_t start) except -1:
        """Read the header that begins at *start*, or goes on there."""
        cdef ws_frame_header header
        cdef Py_ssize_t available = source.size - start
        cdef int kept = self.kept
        cdef int size
        cdef Py_ssize_t taken
        check(source, start, 0)
        if kept == 0:
            size = ws_scan_header(&header, source.data + start, available)
        else:
            taken = 14 - kept if available > 14 - kept else available
            memcpy(self.raw + kept, source.data + start, taken)
            size = ws_scan_header(&header, self.raw, kept + taken)
        if size == 0:
            self.complete = False
            if kept == 0:
                memcpy(self.raw, source.data + start, available)
            self.kept = kept + <int>available
            return source.size
        self.kept = 0
        self.complete = True
        self.first = header.first
        self.masked = header.masked
        self.form = header.form
        self.length = header.length
        memcpy(self.mask_key, header.key, 4)
        return start + size - kept

    cpdef void reset(self):
        """Forget the frame, to scan the next one."""
        self.complete = False

    cpdef int partial(self):
        """The number of bytes kept of a header that isn't complete."""
        return self.kept

    cpdef void describe(self, int first, Py_ssize_t length):
        """Become the header of an unmasked frame that didn't come from the wire."""
        self.first = first
        self.length = <uint64_t>length
        self.masked = False
        self.complete = True


cpdef bytes payload_bytes(Source source, FrameHeader header, Py_ssize_t start):
    """A whole payload, unmasked."""
    cdef Py_ssize_t size = <Py_ssize_t>header.length
    cdef bytes data
    check(source, start, header.length)
    if not header.masked:
        return PyBytes_FromStringAndSize(<const char *>source.data + start, size)
    data = PyBytes_FromStringAndSize(NULL, size)
    if size:
        ws_mask(
            <unsigned char *>PyBytes_AS_STRING(data), source.data + start, size, header.mask_key, 0
        )
    return data


cpdef str payload_text(Source source, FrameHeader header, Py_ssize_t start):
    """A whole payload, unmasked and decoded; raises :exc:`UnicodeDecodeError`."""
    cdef Py_ssize_t size = <Py_ssize_t>header.length
    cdef object text
    cdef bytes data
    check(source, start, header.length)
    if size == 0:
        return ""
    if not header.masked:
        return PyUnicode_DecodeUTF8(<const char *>source.data + start, size, NULL)
    # One-character strings are shared by the interpreter: they may not be written to.
    if size > 1:
        text = PyUnicode_New(size, 127)
        if ws_mask_ascii(
            <unsigned char *>PyUnicode_DATA(text), source.data + start, size, header.mask_key, 0
        ):
            return text
        del text
    data = payload_bytes(source, header, start)
    return PyUnicode_DecodeUTF8(PyBytes_AS_STRING(data), size, NULL)


cdef class PayloadBuffer:
    """A payload that arrives in pieces. It never holds room for more than has arrived twice."""

    # The payload is gathered in the object that is handed over at the end, which grows where it
    # is, or by moving its pages: it has one owner, this buffer. It is bytes; or, while text is
    # expected and has been ASCII, str.

    def __cinit__(self):
        self.store = NULL
        self.bytes_ = NULL
        self.capacity = self.size = 0
        self.is_ascii = False

    def __dealloc__(self):
        Py_XDECREF(self.store)

    @property
    def data(self):
        return PyBytes_FromStringAndSize(<char *>self.bytes_, self.size)

    cpdef void expect_text(self):
        """What is appended to the empty buffer is text."""
        self.is_ascii = self.size == 0

    cdef int reserve(self, Py_ssize_t needed, uint64_t expected) except -1:
        # `expected` is what the frame announces: no more room than that, nor twice `needed`.
        cdef Py_ssize_t capacity
        if needed <= self.capacity:
            return 0
        capacity = 2 * needed if needed > SMALL else SMALL
        if <uint64_t>needed <= expected < <uint64_t>capacity:
            capacity = <Py_ssize_t>expected if expected > SMALL else SMALL
        return self.resize(capacity)

    cdef int resize(self, Py_ssize_t capacity) except -1:
        # Where there is no memory, nothing is left.
        cdef Py_ssize_t size = self.size
        self.bytes_ = NULL
        self.capacity = self.size = 0
        if self.store == NULL:
            if self.is_ascii:
                self.store = PyUnicode_New_(capacity, 127)
            else:
                self.store = PyBytes_FromStringAndSize_(NULL, capacity)
        elif self.is_ascii:
            PyUnicode_Resize(&self.store, capacity)
        else:
            _PyBytes_Resize(&self.store, capacity)
        if self.is_ascii:
            self.bytes_ = <unsigned char *>PyUnicode_DATA(<object>self.store)
        else:
            self.bytes_ = <unsigned char *>PyBytes_AS_STRING(<object>self.store)
        self.capacity = capacity
        self.size = size
        return 0

    cdef int become_bytes(self) except -1:
        # The text isn't ASCII.
        cdef PyObject *text = self.store
        cdef unsigned char *old = self.bytes_
        self.store = NULL
        self.is_ascii = False
        try:
            self.resize(self.capacity)
            memcpy(self.bytes_, old, self.size)
        finally:
            Py_XDECREF(text)
        return 0

    cpdef int append(
        self, Source source, FrameHeader header, Py_ssize_t start, Py_ssize_t count, uint64_t offset
    ) except -1:
        """Unmask *count* bytes that are *offset* bytes into the payload of the frame."""
        cdef unsigned char no_key[4]
        cdef const unsigned char *key = header.mask_key
        check(source, start, count)
        if count == 0:
            return 0
        self.reserve(self.size + count, <uint64_t>self.size + (header.length - offset))
        if self.is_ascii:
            if not header.masked:
                memset(no_key, 0, 4)
                key = no_key
            if not ws_mask_ascii(
                self.bytes_ + self.size, source.data + start, count, key, offset & 3
            ):
                self.become_bytes()
        if not self.is_ascii:
            if header.masked:
                ws_mask(self.bytes_ + self.size, source.data + start, count, key, offset & 3)
            else:
                memcpy(self.bytes_ + self.size, source.data + start, count)
        self.size += count
        return 0

    cpdef bytes take_bytes(self):
        """The payload. The buffer is empty afterwards."""
        cdef bytes data
        cdef Py_ssize_t size = self.size
        if size <= SMALL or self.is_ascii:
            data = PyBytes_FromStringAndSize(<char *>self.bytes_, size)
        else:
            if size != self.capacity:
                self.resize(size)
            data = <bytes>self.store
        self.clear()
        return data

    cpdef str take_text(self):
        """The payload, decoded. The buffer is empty afterwards."""
        cdef str text = ""
        cdef Py_ssize_t size = self.size
        if self.is_ascii and size > SMALL:
            if size != self.capacity:
                self.resize(size)
            text = <str>self.store
        elif size:
            text = PyUnicode_DecodeUTF8(<const char *>self.bytes_, size, NULL)
        self.clear()
        return text

    cpdef void clear(self):
        Py_XDECREF(self.store)
        self.store = NULL
        self.bytes_ = NULL
        self.capacity = self.size = 0
        self.is_ascii = False


cdef class Utf8Validator:
    """Finds out whether bytes are UTF-8 as they arrive."""

    def __cinit__(self):
        self.reset()

    cpdef void reset(self):
        ws_utf8_reset(&self.state)
        self.offset = 0

    cpdef int feed(self, PayloadBuffer buffer, Py_ssize_t start) except -1:
        """Validate what the last append added, from *start* on."""
        cdef ws_utf8 before = self.state
        cdef Py_ssize_t count = buffer.size - start
        if start < 0 or count < 0:
            raise IndexError("beyond the end of what was received")
        if buffer.is_ascii and before.begun == 0:
            self.offset += count
            return 0
        if not ws_utf8_feed(&self.state, buffer.bytes_ + start, count):
            # Python's own decoder words the error.
            utf_8_decode(
                PyBytes_FromStringAndSize(<char *>before.pending, before.begun)
                + PyBytes_FromStringAndSize(<char *>buffer.bytes_ + start, count),
                "strict",
                True,
            )
            raise SystemError("the two UTF-8 validators disagree")
        self.offset += before.begun + count - self.state.begun
        return 0

    cpdef int finish(self) except -1:
        """Raise :exc:`UnicodeDecodeError` where the last character isn't whole."""
        if self.state.begun:
            utf_8_decode(
                PyBytes_FromStringAndSize(<char *>self.state.pending, self.state.begun),
                "strict",
                True,
            )
        return 0


cdef bytes pool = b""
cdef Py_ssize_t pool_used = 0


def _forget_keys():
    global pool, pool_used
    pool = b""
    pool_used = 0


# A child must not go on with the keys that its parent goes on with.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_keys)


cdef int masking_key(unsigned char *key) except -1:
    # Four bytes of the system's randomness that nobody has used (RFC 6455, section 5.3).
    global pool, pool_used
    cdef bytes fresh
    if pool_used >= len(pool):
        fresh = os.urandom(POOL_SIZE)
        pool = fresh
        pool_used = 0
    memcpy(key, PyBytes_AS_STRING(pool) + pool_used, 4)
    pool_used += 4
    return 0


cdef bytes assemble(int first, const unsigned char *data, Py_ssize_t size, bint masked):
    cdef unsigned char head[14]
    cdef unsigned char key[4]
    cdef int head_size
    cdef bytes frame
    cdef unsigned char *out
    if masked:
        masking_key(key)
        head_size = ws_write_header(head, <unsigned char>first, size, key)
    else:
        head_size = ws_write_header(head, <unsigned char>first, size, NULL)
    frame = PyBytes_FromStringAndSize(NULL, head_size + size)
    out = <unsigned char *>PyBytes_AS_STRING(frame)
    memcpy(out, head, head_size)
    if size:
        if masked:
            ws_mask(out + head_size, data, size, key, 0)
        else:
            memcpy(out + head_size, data, size)
    return frame


cpdef bytes encode_frame(int first, object payload, bint masked):
    """A frame as it goes on the wire; a :class:`str` payload is sent as UTF-8."""
    cdef Py_buffer view
    cdef Py_ssize_t size
    cdef const char *utf8
    cdef bytes encoded
    if type(payload) is bytes:
        return assemble(
            first, <const unsigned char *>PyBytes_AS_STRING(payload), len(<bytes>payload), masked
        )
    if isinstance(payload, str):
        if (<str>payload).isascii():
            utf8 = PyUnicode_AsUTF8AndSize(payload, &size)
            return assemble(first, <const unsigned char *>utf8, size, masked)
        # PyUnicode_AsUTF8AndSize would keep the encoded form in the string for ever.
        encoded = (<str>payload).encode()
        return assemble(
            first, <const unsigned char *>PyBytes_AS_STRING(encoded), len(encoded), masked
        )
    PyObject_GetBuffer(readable(payload), &view, PyBUF_SIMPLE)
    try:
        return assemble(first, <const unsigned char *>view.buf, view.len, masked)
    finally:
        PyBuffer_Release(&view)
