cdef class Deflater:
    cdef int _window_bits
    cdef bint _takeover
    cdef object _settings
    cdef object _backend
    cdef object _module
    cdef object _compressor
    cdef bint _stale
    cdef list _idle

    cpdef bytes feed(self, object data, bint fin)
    cpdef object forget(self)
    cdef bytes _feed_nothing(self, bint fin)
    cdef bytes _deflate_pieces(self, object compressor, object data)
    cdef object _open(self)
    cdef object _close(self, object compressor)


cdef class Inflater:
    cdef int _window_bits
    cdef bint _takeover
    cdef object _backend
    cdef object _module
    cdef object _decompressor
    cdef bint _started
    cdef bytes _history

    cpdef bytes feed(self, object data, bint fin, object max_size)
    cdef bytes _feed_after_final(
        self, bytes rest, bint fin, object max_size, list parts, Py_ssize_t size
    )
    cdef bytes _cut_tail(self, bytes rest)
    cdef bytes _inflate(self, object decompressor, object payload, Py_ssize_t size, object max_size)
    cdef object _remember(self, bytes result)
    cdef object _open(self)
