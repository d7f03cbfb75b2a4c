cimport cython
from libc.stdint cimport uint64_t

from ._kernels cimport (
    FrameHeader,
    PayloadBuffer,
    Source,
    Utf8Validator,
    payload_bytes,
    payload_text,
)


cdef Py_ssize_t _NO_LIMIT
cdef Py_ssize_t _encoded_limit(Py_ssize_t limit)


cdef class Assembler:
    cdef readonly Py_ssize_t max_message
    cdef readonly Py_ssize_t max_fragment
    cdef readonly int first_rsv
    cdef readonly int next_rsv
    cdef public list events
    cdef public list controls
    cdef readonly int opcode
    cdef readonly int rsv
    cdef readonly Py_ssize_t size
    cdef int _empty
    cdef bint _encoded
    cdef PayloadBuffer _buffer
    cdef Utf8Validator _validator

    cpdef object whole(self, Source source, FrameHeader header, Py_ssize_t start)
    @cython.locals(
        first=int, opcode=int, length=uint64_t, max_message=Py_ssize_t, max_fragment=Py_ssize_t
    )
    cpdef object begin(self, FrameHeader header)
    @cython.locals(before=Py_ssize_t)
    cpdef object append(
        self, Source source, FrameHeader header, Py_ssize_t start, Py_ssize_t count, uint64_t offset
    )
    cpdef object end(self, FrameHeader header)
    cpdef object control(self, int opcode, bytes data)
    cpdef list take_events(self)
    cdef object _finish_message(self)


cdef class MessageAssembler(Assembler):
    cdef readonly object extension
    cdef readonly Py_ssize_t max_single
    cdef bint _streaming
    cdef bint _streamed
    cdef Py_ssize_t _decoded_size
    cdef Py_ssize_t _decoded_text
    cdef object _text_decoder

    cpdef object stream(self)
    @cython.locals(limit=Py_ssize_t)
    cdef object _emit(self, bytes data, FrameHeader header)
    cdef object _hand_out(self, bint fin)
    @cython.locals(limit=Py_ssize_t)
    cdef bytes _decode_piece(self, bytes data, bint fin)
    cdef object _finish_message(self)


cdef class FrameAssembler(Assembler):
    pass


cdef class ExtensionChain(Assembler):
    cdef readonly Assembler inner
    cdef readonly tuple extensions
    cdef Source _decoded
    cdef FrameHeader _described

    cdef object _decode(self, object frame)
