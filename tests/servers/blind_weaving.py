"""Blind faults: each is a function round one method of a server of ours, which stays as it is.

They were written from the sentences of the requirements by somebody who had not read the cases;
`tests/blind/*.toml` says what each of them does. `go` is the method as it was.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

Around = Callable[..., Any]
ROUND: dict[str, list[tuple[Any, str, Around]]] = {}


def fault(name: str, owner: Any, method: str) -> Callable[[Around], Around]:
    """Register what a fault does round a method of a class, or round a module's function.

    It is called with the original, bound, and then with what the original was called with; a
    method's object stands first.
    """

    def register(function: Around) -> Around:
        ROUND.setdefault(name, []).append((owner, method, function))
        return function

    return register


@contextlib.contextmanager
def woven(name: str) -> Iterator[None]:
    """Every server of ours has the fault as long as the context lasts."""
    with contextlib.ExitStack() as stack:
        for owner, method, function in ROUND[name]:
            original = vars(owner)[method]
            setattr(owner, method, _woven(original, function, isinstance(owner, type)))
            stack.callback(setattr, owner, method, original)
        yield


def _woven(original: Around, function: Around, is_method: bool) -> Around:
    if not is_method:
        return functools.partial(function, original)

    def method(self: Any, *args: Any, **named: Any) -> Any:
        return function(functools.partial(original, self), self, *args, **named)

    return method


def count(owner: Any, what: str) -> int:
    """How often this has been asked of the object, this time too."""
    number = vars(owner).get(f"blind {what}", 0) + 1
    vars(owner)[f"blind {what}"] = number
    return int(number)


def once(owner: Any, what: str) -> bool:
    """Whether this is asked of the object for the first time."""
    return count(owner, what) == 1
