"""The mark of what is kept for older programs only.

Type checkers see the decorator of :pep:`702`, which the standard library has from Python 3.13 on.
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Type checkers bring it with them: nothing has to be installed.
    from typing_extensions import deprecated as deprecated
else:

    def deprecated(message):
        """Mark a function or a method as deprecated: a call of it warns.

        Below :class:`property`, reading the property warns.

        :param message: what is deprecated, and what to use in its place.
        :returns: the decorator.
        """

        def decorate(function):
            @functools.wraps(function)
            def warn_and_call(*args, **kwargs):
                warnings.warn(message, DeprecationWarning, stacklevel=2)
                return function(*args, **kwargs)

            return warn_and_call

        return decorate


__all__ = ["deprecated"]
