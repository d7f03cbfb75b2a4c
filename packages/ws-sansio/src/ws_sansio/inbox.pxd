cimport cython


cdef class Inbox:
    cdef object _messages
    cdef object _begun
    cdef Py_ssize_t _high
    cdef Py_ssize_t _low
    cdef Py_ssize_t _max_bytes
    cdef readonly Py_ssize_t count
    cdef readonly Py_ssize_t size

    cpdef object put(self, list messages)
    cpdef object get(self)
    cpdef object take_message(self)
    cpdef object take_fragment(self)
    cpdef object clear(self)
    cpdef bint is_full(self)
    cpdef bint has_room(self)


cdef Py_ssize_t _weight(object message) except -1
