from cpython.buffer cimport Py_buffer
from cpython.ref cimport PyObject
from libc.stdint cimport uint64_t

cdef extern from "utf8.h":
    ctypedef struct ws_utf8:
        unsigned char pending[4]
        int begun
        int wanted
    void ws_utf8_reset(ws_utf8 *state)
    bint ws_utf8_feed(ws_utf8 *state, const unsigned char *src, size_t n)


cdef class Source:
    cdef Py_buffer view
    cdef bint opened
    cdef const unsigned char *data
    cdef readonly Py_ssize_t size
    cpdef int open(self, object data) except -1
    cpdef void close(self)


cdef class FrameHeader:
    cdef unsigned char raw[14]
    cdef int kept
    cdef readonly bint complete
    cdef readonly int first
    cdef readonly bint masked
    cdef readonly int form
    cdef readonly uint64_t length
    cdef unsigned char mask_key[4]
    cpdef Py_ssize_t scan(self, Source source, Py_ssize_t start) except -1
    cpdef void reset(self)
    cpdef int partial(self)
    cpdef void describe(self, int first, Py_ssize_t length)


cdef class PayloadBuffer:
    cdef PyObject *store
    cdef unsigned char *bytes_
    cdef Py_ssize_t capacity
    cdef readonly Py_ssize_t size
    cdef bint is_ascii
    cpdef void expect_text(self)
    cpdef int append(
        self, Source source, FrameHeader header, Py_ssize_t start, Py_ssize_t count, uint64_t offset
    ) except -1
    cpdef bytes take_bytes(self)
    cpdef str take_text(self)
    cpdef void clear(self)
    cdef int reserve(self, Py_ssize_t needed, uint64_t expected) except -1
    cdef int resize(self, Py_ssize_t capacity) except -1
    cdef int become_bytes(self) except -1


cdef class Utf8Validator:
    cdef ws_utf8 state
    cdef readonly Py_ssize_t offset
    cpdef void reset(self)
    cpdef int feed(self, PayloadBuffer buffer, Py_ssize_t start) except -1
    cpdef int finish(self) except -1


cpdef bytes payload_bytes(Source source, FrameHeader header, Py_ssize_t start)
cpdef str payload_text(Source source, FrameHeader header, Py_ssize_t start)
cpdef bytes encode_frame(int first, object payload, bint masked)
