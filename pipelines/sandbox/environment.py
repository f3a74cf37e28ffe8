"""The Jinja2 environment of the templates: stock filters, tests and undefined values, no way to grow without end."""

from __future__ import annotations

import functools
from base64 import b64encode
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any

from jinja2 import Undefined, UndefinedError, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pipelines.sandbox import growth

MAX_TEMPLATE = 256 * 1024
"""Characters of one template."""


class NoOriginalError(UndefinedError):
    """The template needs the original file and the document has none."""


class Original(bytes):
    """The original file's bytes, which are no text."""

    __slots__ = ()

    def __str__(self) -> str:
        message = "file.original_file is bytes; write file.original_file|b64encode"
        raise TypeError(message)


class File(dict[str, Any]):
    """`file` in a template: `original_file` where the document has an original."""


class Listed(dict[str, str]):
    """A simple multivalue: by its child's id the last value, looped over every value."""

    def __init__(self, last: dict[str, str], texts: list[str]) -> None:
        super().__init__(last)
        self.texts = texts

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, key: Any) -> Any:
        return self.texts[key] if isinstance(key, int | slice) else super().__getitem__(key)


class Missing(Undefined):
    """Stock undefined, with a message that says what is missing, and the nearest name."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        obj, name = self._undefined_obj, self._undefined_name
        if self._undefined_hint or not isinstance(name, str):
            return super()._undefined_message
        if isinstance(obj, dict):
            near = get_close_matches(name, [key for key in dict.keys(obj) if isinstance(key, str)], 1)
            return f'there is no "{name}" here{f"; did you mean {near[0]}?" if near else ""}'
        if isinstance(obj, list | str | int | float):
            kind = "a list" if isinstance(obj, list) else "text" if isinstance(obj, str) else "a number"
            return f'{kind} has no "{name}"'
        return super()._undefined_message


class Generator(CodeGenerator):
    """Leaves every expression to run time: a constant worked out while compiling would have no line."""

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)


class Environment(ImmutableSandboxedEnvironment):
    """`most` is the largest text, in characters, that any one step may make."""

    intercepted_binops = frozenset({"*", "**", "%"})
    code_generator_class = Generator

    def __init__(self, most: int) -> None:
        super().__init__(optimized=False, autoescape=False, undefined=Missing, cache_size=0)
        self.most = most
        self.globals["range"] = growth.stepped
        self.filters["b64encode"] = self._b64encode
        for name, check in growth.FILTERS.items():
            self.filters[name] = self._guarded(self.filters[name], check)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A mapping's own members come before its methods: a field may be called `items` or `values`."""
        if isinstance(obj, dict):
            try:
                return obj[attribute]
            except KeyError:
                if isinstance(obj, File) and attribute == "original_file":
                    return self.undefined("the document has no original file", obj, attribute, NoOriginalError)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, File) and isinstance(argument, str):
            return self.getattr(obj, argument)
        return super().getitem(obj, argument)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        growth.operation(self.most, operator, left, right)
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805, PYI063 - as Jinja2 has it: any keyword passes
        check = growth.METHODS.get(getattr(__obj, "__name__", ""))
        owner = getattr(__obj, "__self__", None)
        if check is not None and isinstance(owner, str | bytes | int):
            check(__self.most, owner, *args, **kwargs)
        return super().call(__context, __obj, *args, **kwargs)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        wrapped = super().wrap_str_format(value)
        if wrapped is None:
            return None
        form = value.__self__

        @functools.wraps(value)
        def checked(*args: Any, **kwargs: Any) -> str:
            by_name = value.__name__ == "format_map" and len(args) == 1
            growth.Widths(self, self.most).vformat(form, () if by_name else args, args[0] if by_name else kwargs)
            return wrapped(*args, **kwargs)

        return checked

    def _guarded(self, original: Callable[..., Any], check: growth.Check) -> Callable[..., Any]:
        """The filter with its look ahead. Filters that want the evaluation context get it first, as always."""
        wants_context = hasattr(original, "jinja_pass_arg")

        @functools.wraps(original)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            check(self.most, *(args[1:] if wants_context else args), **kwargs)
            return original(*args, **kwargs)

        return guarded

    def _b64encode(self, value: Any) -> str:
        """Base64 (RFC 4648, 4) of bytes, or of a text's UTF-8."""
        if isinstance(value, Undefined):
            value._fail_with_undefined_error()  # noqa: SLF001 - Jinja2's own way to say what is missing
        content = value if isinstance(value, bytes) else str(value).encode()
        growth.size(self.most, (len(content) + 2) // 3 * 4, "b64encode")
        return b64encode(content).decode("ascii")
