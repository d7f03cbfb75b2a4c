cimport cython
from libc.stdint cimport uint64_t

from ._kernels cimport FrameHeader, PayloadBuffer, Source, encode_frame
from .assembler cimport Assembler


cdef class FrameEncoder:
    cdef readonly bint masked
    cdef public bint fragmenting
    cdef list _chunks

    @cython.locals(first=int)
    cpdef object data(self, int opcode, object payload, bint fin)
    cpdef object check_order(self, int opcode)
    @cython.locals(chunk=bytes)
    cpdef Py_ssize_t frame(self, int first, object payload) except -1
    cpdef object append(self, bytes chunk)
    @cython.locals(chunks=list)
    cpdef list take(self)


cdef class FrameDecoder:
    cdef readonly Assembler assembler
    cdef readonly bint masked
    cdef readonly bint finished
    cdef Source _source
    cdef FrameHeader _header
    cdef PayloadBuffer _control
    cdef Py_ssize_t _received

    cpdef bint at_boundary(self)

    @cython.locals(
        header=FrameHeader,
        assembler=Assembler,
        start=Py_ssize_t,
        length=uint64_t,
        count=Py_ssize_t,
        opcode=int,
    )
    cdef object _decode(self, Source source)

    @cython.locals(opcode=int)
    cdef object _check(self, FrameHeader header)
